#include "util/Json.h"

#include "util/Escape.h"

namespace litestream {

Json Json::object(std::vector<Member> members) {
    Json out(Kind::Object);
    for (Member& member : members) out.add(std::move(member.first), std::move(member.second));
    return out;
}

Json& Json::add(Json item) {
    children_.push_back(std::move(item));
    return *this;
}

Json& Json::add(std::string key, Json value) {
    keys_.push_back(std::move(key));
    return add(std::move(value));
}

std::string Json::text() const {
    std::string out;
    append(out, 0);
    out += '\n';
    return out;
}

void Json::append(std::string& out, std::size_t indent) const {
    if (kind_ == Kind::Literal) {
        out += text_;
        return;
    }
    if (kind_ == Kind::Text) {
        appendJsonString(out, text_, JsonEscape::Html);
        return;
    }
    const bool isObject = kind_ == Kind::Object;
    out += isObject ? '{' : '[';
    for (std::size_t i = 0; i < children_.size(); ++i) {
        out += i == 0 ? "\n" : ",\n";
        out.append(indent + 2, ' ');
        if (isObject) {
            appendJsonString(out, keys_[i], JsonEscape::Html);
            out += ": ";
        }
        children_[i].append(out, indent + 2);
    }
    if (!children_.empty()) {
        out += '\n';
        out.append(indent, ' ');
    }
    out += isObject ? '}' : ']';
}

}  // namespace litestream
