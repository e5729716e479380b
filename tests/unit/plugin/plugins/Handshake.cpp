// A codec whose descriptor can be made wrong in one place.
#include <litestream/Plugin.h>

#ifndef MAGIC
#define MAGIC {'L', 'S', 'P', 'L', 'U', 'G', 'I', 'N'}
#endif
#ifndef SIZE
#define SIZE sizeof(::litestream::PluginDescriptor)
#endif
#ifndef VERSION
#define VERSION ::litestream::kSdkVersion
#endif
#ifndef ABI
#define ABI ::litestream::kAbiTag
#endif
#ifndef KIND
#define KIND 3
#endif
#ifndef NAME
#define NAME "good"
#endif
#ifndef OPTION_COUNT
#define OPTION_COUNT 0
#endif

#ifdef UNRESOLVED
extern "C" void litestream_nobody_defines_this();
#endif

namespace {

void* create(litestream::Host&) {
#ifdef UNRESOLVED
    litestream_nobody_defines_this();
#endif
    return nullptr;
}

void destroy(void*) {}

}  // namespace

#ifdef NO_DESCRIPTOR
extern "C" LITESTREAM_SDK void* another_symbol(litestream::Host& host) {
    destroy(nullptr);
    return create(host);
}
#else
extern "C" {
extern LITESTREAM_SDK const litestream::PluginDescriptor litestream_plugin;
const litestream::PluginDescriptor litestream_plugin = {
    MAGIC,   SIZE,    VERSION, ABI, static_cast<litestream::PluginKind>(KIND), OPTION_COUNT, NAME, "1.2.3", "for tests",
    nullptr, "",      &create, &destroy};
}
#endif
