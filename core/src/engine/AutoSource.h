#pragma once

#include "plugin/Registry.h"

#include <litestream/Source.h>

#include <memory>
#include <string_view>

namespace litestream::engine {

/// The name of no plugin: whichever source can follow the database as it is.
///
/// Each attach() asks the sources in their order, and the first one that does not answer Detached is used until the next attach().
/// So a database that changes its journal mode changes its source: the one that followed it says Detached. A position is that of
/// one source and proves nothing to another, which says Lost; the reconcile that follows ships the pages that differ.
inline constexpr std::string_view kAutoSource = "auto";

/// What "auto" looks like as a plugin: its options are those of all its sources that are there.
plugin::LoadedPlugin describeAutoSource(const plugin::Registry& registry);

/// A source of this name, "auto" included. Throws as Registry::openSource().
std::unique_ptr<Source> openSource(const plugin::Registry& registry, std::string_view name, const SourceContext& context,
                                   const OptionValues& options);

}  // namespace litestream::engine
