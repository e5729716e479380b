#include "PluginDirectory.h"

#include <array>
#include <vector>

namespace litestream::plugin {

namespace {

/// What a plugin did wrong must come out as an Error that names it.
class Guard : public testing::Test {
protected:
    Guard() {
        for (const char* name : {"codec-faulty", "codec-throwing", "transport-faulty", "source-faulty"}) directory_.add(name);
        registry_ = directory_.load();
        EXPECT_EQ(registry_->plugins().size(), 4u);
    }

    std::shared_ptr<const Codec> codec(const char* fault) const { return registry_->openCodec("faulty", values({{"fault", fault}})); }
    std::unique_ptr<Transport> transport(const char* fault) const {
        return registry_->openTransport("faulty", values({{"fault", fault}, {"path", "/nowhere"}}));
    }
    std::unique_ptr<Source> source(const char* fault) const {
        return registry_->openSource("faulty", {"/nowhere/app.db", [](Wake) {}}, values({{"fault", fault}}));
    }

    template <class Action>
    static void expectFault(const char* plugin, ErrorCode code, const char* part, Action&& action) {
        const Error error = errorOf(action);
        EXPECT_EQ(error.code(), code) << error.what();
        EXPECT_TRUE(contains(error.what(), plugin)) << error.what();
        EXPECT_TRUE(contains(error.what(), part)) << error.what() << "\nlacks: " << part;
    }
    template <class Action>
    static void expectCodecFault(ErrorCode code, const char* part, Action&& action) {
        expectFault("codec plugin \"faulty\"", code, part, action);
    }
    template <class Action>
    static void expectTransportFault(ErrorCode code, const char* part, Action&& action) {
        expectFault("transport plugin \"faulty\"", code, part, action);
    }
    template <class Action>
    static void expectSourceFault(ErrorCode code, const char* part, Action&& action) {
        expectFault("source plugin \"faulty\"", code, part, action);
    }

    PluginDirectory directory_;
    std::unique_ptr<Registry> registry_;
};

class OneRun final : public Body {
public:
    std::optional<std::uint64_t> size() const override { return std::nullopt; }
    ConstBytes next() override {
        if (++runs_ > 2) return {};
        return bytes_;
    }
    void rewind() override { runs_ = 0; }

private:
    std::array<std::byte, 10> bytes_{};
    int runs_ = 0;
};

class SizedRun final : public Body {
public:
    std::optional<std::uint64_t> size() const override { return 20; }
    ConstBytes next() override {
        if (++runs_ > 2) return {};
        return bytes_;
    }
    void rewind() override { runs_ = 0; }

private:
    std::array<std::byte, 10> bytes_{};
    int runs_ = 0;
};

class NullSink final : public PageSink {
public:
    void page(PageNumber, ConstBytes) override { ++pages; }
    int pages = 0;
};

std::uint64_t put(Transport& transport) {
    OneRun body;
    return transport.put("a", body, {}, {});
}

std::size_t pack(const Codec& codec) {
    const std::vector<std::byte> page(4096);
    std::vector<std::byte> out(8192);
    return codec.pack(page, out);
}

}  // namespace

TEST_F(Guard, NamesAPluginWhoseFactoryThrows) {
    for (int i = 0; i < 2; ++i) {
        expectFault("codec plugin \"throwing\"", ErrorCode::Transient, "no such luck",
                    [&] { registry_->openCodec("throwing", {}); });
    }
}

TEST_F(Guard, CodecsLeavesOutWhatCannotBeOpened) {
    const auto set = registry_->codecs();
    EXPECT_EQ(set.find(0x2000).form.flags, 0x2000);
    EXPECT_EQ(errorOf([&] { set.find(0x1234); }).code(), ErrorCode::Unsupported);
}

TEST_F(Guard, TurnsForeignExceptionsOfACodecIntoErrors) {
    expectCodecFault(ErrorCode::Transient, "from open", [&] { codec("open"); });
    expectCodecFault(ErrorCode::Transient, "pack threw a foreign exception: from pack", [&] { pack(*codec("exception")); });
    expectCodecFault(ErrorCode::Transient, "no exception", [&] { pack(*codec("int")); });
}

TEST_F(Guard, LetsErrorsPassUnchanged) {
    const Error fromCodec = errorOf([&] { pack(*codec("error")); });
    EXPECT_EQ(fromCodec.code(), ErrorCode::DiskFull);
    EXPECT_STREQ(fromCodec.what(), "as thrown");
    const Error fromTransport = errorOf([&] { put(*transport("error")); });
    EXPECT_EQ(fromTransport.code(), ErrorCode::Throttled);
    EXPECT_STREQ(fromTransport.what(), "as thrown");
}

TEST_F(Guard, RefusesImpossibleValuesOfACodec) {
    expectCodecFault(ErrorCode::Corrupt, "gave no codec", [&] { codec("null"); });
    expectCodecFault(ErrorCode::Corrupt, "maxPacked", [&] { codec("max"); });
    expectCodecFault(ErrorCode::Corrupt, "readable", [&] { codec("form"); });
    expectCodecFault(ErrorCode::Corrupt, "4097", [&] { pack(*codec("pack")); });
    expectCodecFault(ErrorCode::Corrupt, "used 11 bytes of 10", [&] {
        const std::array<std::byte, 10> packed{};
        std::array<std::byte, 512> page{};
        codec("unpack")->unpack(0x2000, packed, page);
    });
    EXPECT_EQ(pack(*codec("")), 4096u);
}

TEST_F(Guard, TurnsForeignExceptionsOfATransportIntoErrors) {
    for (const char* fault : {"exception", "int"}) {
        const auto broken = transport(fault);
        std::array<std::byte, 10> buffer{};
        const std::vector<std::string> keys{"a"};
        expectTransportFault(ErrorCode::Transient, "put threw", [&] { put(*broken); });
        expectTransportFault(ErrorCode::Transient, "get threw", [&] { broken->get("a", 0, buffer, {}); });
        expectTransportFault(ErrorCode::Transient, "head threw", [&] { broken->head("a", {}); });
        expectTransportFault(ErrorCode::Transient, "list threw", [&] { broken->list("", "", 1, {}); });
        expectTransportFault(ErrorCode::Transient, "remove threw", [&] { broken->remove(keys, {}); });
    }
    expectTransportFault(ErrorCode::Transient, "describe threw", [&] { transport("exception")->describe(); });
    expectTransportFault(ErrorCode::Transient, "parseUrl threw", [&] { registry_->parseUrl("faulty://x"); });
}

TEST_F(Guard, RefusesImpossibleValuesOfATransport) {
    expectTransportFault(ErrorCode::Corrupt, "gave no transport", [&] { transport("null"); });
    expectTransportFault(ErrorCode::Corrupt, "layout", [&] { transport("layout"); });
    expectTransportFault(ErrorCode::Corrupt, "concurrent", [&] { transport("concurrency"); });
    expectTransportFault(ErrorCode::Corrupt, "stored 21 bytes of 20", [&] { put(*transport("put")); });
    expectTransportFault(ErrorCode::Corrupt, "took 10 and stored 10 bytes of 20", [&] {
        SizedRun body;
        transport("half")->put("a", body, {}, {});
    });
    expectTransportFault(ErrorCode::Corrupt, "gave 11 bytes", [&] {
        std::array<std::byte, 10> buffer{};
        transport("get")->get("a", 0, buffer, {});
    });
    expectTransportFault(ErrorCode::Corrupt, "\"another\"", [&] { transport("head")->head("a", {}); });
    expectTransportFault(ErrorCode::Corrupt, "\"another\"", [&] {
        const std::vector<std::string> keys{"a"};
        transport("remove")->remove(keys, {});
    });
    EXPECT_EQ(put(*transport("")), 20u);
}

TEST_F(Guard, RefusesListingsThatBreakTheirContract) {
    for (const char* fault : {"many", "order", "twice", "prefix", "after"}) {
        expectTransportFault(ErrorCode::Corrupt, "list gave", [&] { transport(fault)->list("a/", "a/0", 2, {}); });
    }
    EXPECT_EQ(transport("")->list("a/", "a/0", 2, {}).size(), 1u);
}

TEST_F(Guard, TurnsForeignExceptionsOfASourceIntoErrors) {
    NullSink sink;
    expectSourceFault(ErrorCode::Transient, "from attach", [&] { source("attach")->attach(nullptr); });
    for (const char* fault : {"capture", "int"}) {
        const auto broken = source(fault);
        broken->attach(nullptr);
        expectSourceFault(ErrorCode::Transient, "capture threw", [&] { broken->capture(1, sink); });
        expectSourceFault(ErrorCode::Transient, "from release", [&] { broken->release({}); });
        expectSourceFault(ErrorCode::Transient, "from status", [&] { broken->status(); });
    }
    expectSourceFault(ErrorCode::Transient, "from read", [&] {
        std::array<std::byte, 4096> page{};
        source("image-read")->image()->read(1, page);
    });
}

TEST_F(Guard, RefusesImpossibleValuesOfASource) {
    expectSourceFault(ErrorCode::Corrupt, "gave no source", [&] { source("null"); });
    expectSourceFault(ErrorCode::Corrupt, "page size 4095", [&] { source("page-size")->attach(nullptr); });
    expectSourceFault(ErrorCode::Corrupt, "outcome", [&] { source("outcome")->attach(nullptr); });
    expectSourceFault(ErrorCode::Corrupt, "gave none", [&] { source("no-image")->image(); });
    expectSourceFault(ErrorCode::Corrupt, "page size 1000", [&] { source("image-page-size")->image(); });
    expectSourceFault(ErrorCode::Corrupt, "65 bytes", [&] { source("image-position")->image(); });
}

TEST_F(Guard, LetsOnlyPossiblePagesThrough) {
    for (const char* fault : {"position", "short-page", "page-zero", "lock-page"}) {
        const auto broken = source(fault);
        broken->attach(nullptr);
        NullSink sink;
        expectSourceFault(ErrorCode::Corrupt, "capture gave", [&] { broken->capture(1, sink); });
    }
    const auto fine = source("");
    fine->attach(nullptr);
    NullSink sink;
    EXPECT_EQ(fine->capture(1, sink).position.size, 8u);
    EXPECT_EQ(sink.pages, 1);
}

TEST_F(Guard, KeepsTheLibraryUnderWhatItMade) {
    const auto kept = codec("");
    registry_.reset();
    EXPECT_EQ(pack(*kept), 4096u);
}

}  // namespace litestream::plugin
