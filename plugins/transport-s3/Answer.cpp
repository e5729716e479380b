#include "Answer.h"

#include "ObjectTime.h"
#include "settings/UrlQuery.h"

#include <litestream/Error.h>

#include <Poco/DOM/AutoPtr.h>
#include <Poco/DOM/DOMParser.h>
#include <Poco/DOM/Document.h>
#include <Poco/DOM/Element.h>
#include <Poco/Exception.h>
#include <Poco/NumberParser.h>
#include <Poco/SAX/SAXException.h>

namespace litestream::s3 {

namespace {

using Poco::XML::Document;
using Poco::XML::Element;
using DocumentPointer = Poco::XML::AutoPtr<Document>;

/// Null for what is no XML.
DocumentPointer parse(const std::string& text) {
    // A store may send blanks to say that it still works.
    const std::size_t begin = text.find_first_not_of(" \t\r\n");
    if (begin == std::string::npos) return nullptr;
    try {
        Poco::XML::DOMParser parser;
        // Names without prefixes: stores do not agree on the namespace.
        parser.setFeature(Poco::XML::XMLReader::FEATURE_NAMESPACES, false);
        parser.setFeature(Poco::XML::XMLReader::FEATURE_EXTERNAL_GENERAL_ENTITIES, false);
        parser.setFeature(Poco::XML::XMLReader::FEATURE_EXTERNAL_PARAMETER_ENTITIES, false);
        return parser.parseMemory(text.data() + begin, text.size() - begin);
    } catch (const Poco::Exception&) {
        return nullptr;
    }
}

DocumentPointer parseRoot(const std::string& text, const char* root, const std::string& operation) {
    DocumentPointer document = parse(text);
    if (document.isNull() || document->documentElement() == nullptr || document->documentElement()->tagName() != root) {
        throw Error(ErrorCode::Transient, operation + ": the answer is no " + root + " document");
    }
    return document;
}

/// "" when there is no such child.
std::string textOf(const Element& parent, const char* name) {
    const Element* child = parent.getChildElement(name);
    return child == nullptr ? std::string() : child->innerText();
}

template <class Action>
void forEachChild(const Element& parent, Action&& action) {
    for (const Poco::XML::Node* node = parent.firstChild(); node != nullptr; node = node->nextSibling()) {
        if (node->nodeType() == Poco::XML::Node::ELEMENT_NODE) action(*static_cast<const Element*>(node));
    }
}

/// Some stores write a blank as '+', and all of them a plus sign as %2B.
std::string readKey(const Element& parent, bool encoded) {
    const std::string text = textOf(parent, "Key");
    return encoded ? unescape(text, true, "key") : text;
}

bool isEncoded(const Element& listing) { return textOf(listing, "EncodingType") == "url"; }

ObjectInfo readObject(const Element& contents, bool encoded, const std::string& operation) {
    ObjectInfo info;
    info.key = readKey(contents, encoded);
    Poco::UInt64 size = 0;
    const auto time = parseTimestamp(textOf(contents, "LastModified"));
    if (!Poco::NumberParser::tryParseUnsigned64(textOf(contents, "Size"), size) || !time || info.key.empty()) {
        throw Error(ErrorCode::Transient, operation + ": the listing has an entry without key, size or time");
    }
    info.size = size;
    info.timestamp = *time;
    return info;
}

void appendEscaped(std::string& out, std::string_view text) {
    static constexpr char kDigits[] = "0123456789abcdef";
    for (const char c : text) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            default:
                if (static_cast<unsigned char>(c) < 0x20) {
                    out += {'&', '#', 'x', kDigits[static_cast<unsigned char>(c) >> 4], kDigits[c & 15], ';'};
                } else {
                    out += c;
                }
        }
    }
}

}  // namespace

Refusal readRefusal(const Response& response) {
    Refusal refusal;
    refusal.status = response.status;
    refusal.requestId = response.header("x-amz-request-id");
    refusal.region = response.header("x-amz-bucket-region");
    const DocumentPointer document = parse(response.body);
    if (document.isNull() || document->documentElement() == nullptr) return refusal;
    const Element* error = document->documentElement();
    // The credential services wrap it once more.
    if (const Element* inner = error->getChildElement("Error"); inner != nullptr) error = inner;
    refusal.code = textOf(*error, "Code");
    refusal.message = textOf(*error, "Message");
    if (refusal.requestId.empty()) refusal.requestId = textOf(*error, "RequestId");
    if (refusal.region.empty()) refusal.region = textOf(*error, "Region");
    refusal.endpoint = textOf(*error, "Endpoint");
    return refusal;
}

ListPage readListPage(const std::string& text, const std::string& operation) {
    const DocumentPointer document = parseRoot(text, "ListBucketResult", operation);
    const Element& root = *document->documentElement();
    const bool encoded = isEncoded(root);
    ListPage page;
    page.truncated = textOf(root, "IsTruncated") == "true";
    page.nextToken = textOf(root, "NextContinuationToken");
    forEachChild(root, [&](const Element& child) {
        if (child.tagName() == "Contents") page.objects.push_back(readObject(child, encoded, operation));
    });
    return page;
}

std::vector<DeleteResult> readDeleteResults(const std::string& text, const std::string& operation) {
    const DocumentPointer document = parseRoot(text, "DeleteResult", operation);
    std::vector<DeleteResult> results;
    forEachChild(*document->documentElement(), [&](const Element& child) {
        if (child.tagName() == "Deleted") results.push_back({textOf(child, "Key"), "", ""});
        if (child.tagName() == "Error") {
            std::string code = textOf(child, "Code");
            if (code.empty()) code = "unknown error";
            results.push_back({textOf(child, "Key"), code, textOf(child, "Message")});
        }
    });
    return results;
}

std::vector<UnfinishedUpload> readUploadPage(const std::string& text, const std::string& operation) {
    const DocumentPointer document = parseRoot(text, "ListMultipartUploadsResult", operation);
    const Element& root = *document->documentElement();
    const bool encoded = isEncoded(root);
    std::vector<UnfinishedUpload> uploads;
    forEachChild(root, [&](const Element& child) {
        if (child.tagName() != "Upload") return;
        const auto begun = parseTimestamp(textOf(child, "Initiated"));
        UnfinishedUpload upload{readKey(child, encoded), textOf(child, "UploadId"), begun.value_or(Timestamp{})};
        if (!begun || upload.key.empty() || upload.id.empty()) throw Error(ErrorCode::Transient, operation + ": an entry has no key, id or time");
        uploads.push_back(std::move(upload));
    });
    return uploads;
}

std::string readUploadId(const std::string& text, const std::string& operation) {
    const DocumentPointer document = parseRoot(text, "InitiateMultipartUploadResult", operation);
    std::string id = textOf(*document->documentElement(), "UploadId");
    if (id.empty()) throw Error(ErrorCode::Transient, operation + ": the answer names no upload");
    return id;
}

std::string readLocation(const std::string& text, const std::string& operation) {
    const DocumentPointer document = parseRoot(text, "LocationConstraint", operation);
    const std::string region = document->documentElement()->innerText();
    // What AWS says for its two oldest regions.
    if (region.empty()) return "us-east-1";
    return region == "EU" ? "eu-west-1" : region;
}

bool isCompletion(const std::string& text) {
    const DocumentPointer document = parse(text);
    return !document.isNull() && document->documentElement() != nullptr &&
           document->documentElement()->tagName() == "CompleteMultipartUploadResult";
}

std::string deleteDocument(const std::vector<std::string>& keys) {
    std::string text = "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
    for (const std::string& key : keys) {
        text += "<Object><Key>";
        appendEscaped(text, key);
        text += "</Key></Object>";
    }
    return text + "</Delete>";
}

std::string completeDocument(const std::vector<std::string>& etags) {
    std::string text = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
    for (std::size_t i = 0; i < etags.size(); ++i) {
        text += "<Part><PartNumber>" + std::to_string(i + 1) + "</PartNumber><ETag>";
        appendEscaped(text, etags[i]);
        text += "</ETag></Part>";
    }
    return text + "</CompleteMultipartUpload>";
}

}  // namespace litestream::s3
