#pragma once

#include "levels/Inventory.h"

#include <string>
#include <vector>

namespace litestream::levels::test {

using namespace std::chrono_literals;

/// The beginning of time in these tests.
inline constexpr Clock::time_point kStart{1000h};

inline replica::FileId id(std::uint32_t level, std::uint64_t min, std::uint64_t max) {
    return {replica::Level{level}, {Txid{min}, Txid{max}}};
}

/// Made and stored `at` after the start.
inline HeldFile held(std::uint32_t level, std::uint64_t min, std::uint64_t max, std::chrono::seconds at, std::uint64_t size = 1000) {
    return {{id(level, min, max), size, Timestamp{at / 1ms}}, kStart + at, kStart + at, true};
}

inline Inventory inventoryOf(const std::vector<HeldFile>& files) {
    Inventory inventory;
    for (const auto& file : files) inventory.add(file);
    return inventory;
}

/// "1/3-7"
inline std::string text(const replica::FileId& file) {
    return std::to_string(file.level.value) + '/' + std::to_string(file.range.min.value) + '-' + std::to_string(file.range.max.value);
}

template <class Files>
std::vector<std::string> texts(const Files& files) {
    std::vector<std::string> names;
    for (const auto& file : files) {
        if constexpr (requires { file.id; }) {
            names.push_back(text(file.id));
        } else {
            names.push_back(text(file));
        }
    }
    return names;
}

}  // namespace litestream::levels::test
