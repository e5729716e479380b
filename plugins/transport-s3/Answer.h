#pragma once

#include "base/Wire.h"
#include "http/Http.h"

#include <litestream/Transport.h>

#include <string>
#include <string_view>
#include <vector>

namespace litestream::s3 {

/// What a store says when it refuses. Everything may be empty: not every refusal has a body, and not every body is XML.
struct Refusal {
    int status = 0;
    std::string code = {};  ///< "NoSuchKey"
    std::string message = {};
    std::string requestId = {};
    std::string region = {};   ///< where the bucket is, when that was the trouble
    std::string endpoint = {};  ///< where it wants to be asked, when that was the trouble
};

Refusal readRefusal(const Response& response);

/// One page of ListObjectsV2.
struct ListPage {
    std::vector<ObjectInfo> objects;  ///< whole keys, the store's times
    bool truncated = false;
    std::string nextToken;
};

/// The result for one key of DeleteObjects.
struct DeleteResult {
    std::string key;
    std::string code;  ///< empty = gone
    std::string message;
};

/// A multipart upload that was neither completed nor aborted.
struct UnfinishedUpload {
    std::string key;  ///< the whole one
    std::string id;
    Timestamp begun;
};

/// These read the documents of successful answers. They throw Error(Transient), naming `operation`, for what is none.
ListPage readListPage(const std::string& document, const std::string& operation);
std::vector<DeleteResult> readDeleteResults(const std::string& document, const std::string& operation);
std::vector<UnfinishedUpload> readUploadPage(const std::string& document, const std::string& operation);
std::string readUploadId(const std::string& document, const std::string& operation);
std::string readLocation(const std::string& document, const std::string& operation);

/// True for the document that ends a completed multipart upload. Anything else behind a status 200 is a failure, or half an answer.
bool isCompletion(const std::string& document);

/// The bodies of requests.
std::string deleteDocument(const std::vector<std::string>& keys);
std::string completeDocument(const std::vector<std::string>& etags);

}  // namespace litestream::s3
