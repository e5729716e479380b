#pragma once

/// Marks what a shared object shows to others. Everything is compiled with hidden visibility, so a declaration
/// without this mark never leaves its object. It stands on the classes and functions of the SDK's shared library
/// and on the one symbol that a plugin exports, its descriptor (Plugin.h).
#define LITESTREAM_SDK __attribute__((visibility("default")))
