#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace litestream {

/// A JSON value to be printed: keys keep their order, and the text is what Go's indenting encoder prints.
///
///     Json list = Json::array();
///     list.add(Json::object({{"path", "/var/db"}, {"replica", "file"}}));
///     std::cout << list.text();
class Json {
public:
    using Member = std::pair<std::string, Json>;

    Json(std::string_view value) : kind_(Kind::Text), text_(value) {}
    Json(const std::string& value) : Json(std::string_view(value)) {}
    Json(const char* value) : Json(std::string_view(value)) {}
    Json(bool value) : kind_(Kind::Literal), text_(value ? "true" : "false") {}
    template <std::integral Integer>
    Json(Integer value) : kind_(Kind::Literal), text_(std::to_string(value)) {}

    static Json array() { return Json(Kind::Array); }
    static Json object(std::vector<Member> members = {});

    Json& add(Json item);
    Json& add(std::string key, Json value);

    /// Indented by two blanks, with a newline at the end.
    std::string text() const;

private:
    enum class Kind { Literal, Text, Array, Object };
    explicit Json(Kind kind) : kind_(kind) {}
    void append(std::string& out, std::size_t indent) const;

    Kind kind_;
    std::string text_;
    std::vector<std::string> keys_;  ///< of an object, in step with children_
    std::vector<Json> children_;
};

}  // namespace litestream
