#include "Multistatus.h"

#include "http/HttpTime.h"

#include <litestream/Error.h>

#include <Poco/Exception.h>
#include <Poco/NumberParser.h>
#include <Poco/SAX/Attributes.h>
#include <Poco/SAX/DefaultHandler.h>
#include <Poco/SAX/InputSource.h>
#include <Poco/SAX/SAXException.h>
#include <Poco/SAX/SAXParser.h>
#include <Poco/String.h>
#include <Poco/URI.h>

#include <optional>
#include <utility>

namespace litestream::webdav {

const std::string kPropfindBody =
    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
    "<D:propfind "
    "xmlns:D=\"DAV:\"><D:prop><D:resourcetype/><D:getcontentlength/><D:getlastmodified/></D:prop></D:propfind>\n";

namespace {

constexpr std::string_view kNamespace = "DAV:";

/// "/a%20b/" or "https://host/a%20b/" becomes "/a b"; nothing for what is neither.
std::optional<std::string> pathOfHref(const std::string& href) {
    std::string path = Poco::trim(href);
    try {
        if (const std::size_t host = path.find("://"); host != std::string::npos)
            path.erase(0, path.find('/', host + 3));
        const std::string encoded = std::exchange(path, {});
        Poco::URI::decode(encoded, path);
    } catch (const Poco::Exception&) {
        return std::nullopt;
    }
    if (!path.starts_with('/')) return std::nullopt;
    while (path.ends_with('/')) path.pop_back();
    return path;
}

/// "HTTP/1.1 200 OK"
bool isSuccess(const std::string& status) {
    const std::size_t blank = status.find(' ');
    return blank != std::string::npos && status.substr(blank + 1, 1) == "2";
}

class Handler final : public Poco::XML::DefaultHandler {
public:
    explicit Handler(const std::function<void(Resource)>& take) : take_(take) {}

    bool isWhole() const noexcept { return whole_; }

    void startElement(const Poco::XML::XMLString& uri, const Poco::XML::XMLString& name, const Poco::XML::XMLString&,
                      const Poco::XML::Attributes&) override {
        text_.clear();
        if (uri != kNamespace) return;
        if (name == "response") {
            found_ = {};
            path_.reset();
            refused_ = false;
        } else if (name == "propstat") {
            properties_ = {};
            propertiesStatus_.clear();
            inProperties_ = true;
        } else if (name == "collection") {
            properties_.isFolder = true;
        }
    }

    void endElement(const Poco::XML::XMLString& uri, const Poco::XML::XMLString& name,
                    const Poco::XML::XMLString&) override {
        if (uri != kNamespace) return;
        if (name == "href" && !path_) {
            path_ = pathOfHref(text_);
        } else if (name == "status") {
            inProperties_ ? void(propertiesStatus_ = Poco::trim(text_))
                          : void(refused_ = !isSuccess(Poco::trim(text_)));
        } else if (name == "getcontentlength") {
            Poco::UInt64 size = 0;
            if (Poco::NumberParser::tryParseUnsigned64(Poco::trim(text_), size)) properties_.size = size;
        } else if (name == "getlastmodified") {
            properties_.modified = http::parseHttpDate(Poco::trim(text_)).value_or(Timestamp{});
        } else if (name == "propstat") {
            inProperties_ = false;
            if (isSuccess(propertiesStatus_)) merge();
        } else if (name == "response") {
            if (path_ && !refused_) report();
        } else if (name == "multistatus") {
            whole_ = true;
        }
    }

    void characters(const Poco::XML::XMLChar text[], int begin, int length) override {
        text_.append(text + begin, static_cast<std::size_t>(length));
    }

private:
    void merge() {
        found_.isFolder |= properties_.isFolder;
        if (properties_.size != 0) found_.size = properties_.size;
        if (properties_.modified.milliseconds != 0) found_.modified = properties_.modified;
    }

    void report() {
        found_.path = std::move(*path_);
        take_(std::move(found_));
    }

    const std::function<void(Resource)>& take_;
    bool whole_ = false;
    std::string text_;  ///< of the innermost element
    Resource found_;    ///< of this response
    std::optional<std::string> path_;
    bool refused_ = false;
    Resource properties_;  ///< of this propstat
    std::string propertiesStatus_;
    bool inProperties_ = false;
};

}  // namespace

void readMultistatus(std::istream& document, const std::string& operation, const std::function<void(Resource)>& take) {
    Handler handler(take);
    try {
        Poco::XML::SAXParser parser;
        parser.setFeature(Poco::XML::XMLReader::FEATURE_NAMESPACES, true);
        parser.setFeature(Poco::XML::XMLReader::FEATURE_EXTERNAL_GENERAL_ENTITIES, false);
        parser.setFeature(Poco::XML::XMLReader::FEATURE_EXTERNAL_PARAMETER_ENTITIES, false);
        parser.setContentHandler(&handler);
        Poco::XML::InputSource source(document);
        parser.parse(&source);
    } catch (const Poco::Exception&) {
        throw Error(ErrorCode::Transient, operation + ": the answer is no listing");
    }
    if (!handler.isWhole()) throw Error(ErrorCode::Transient, operation + ": the answer is no listing");
}

}  // namespace litestream::webdav
