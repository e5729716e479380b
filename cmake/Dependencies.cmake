# What core and the programs need; plugins and tests find their own. Everything comes from Debian 12; apps/packages.sh names the packages.
find_package(Threads REQUIRED)
find_package(Poco 1.11 REQUIRED COMPONENTS Foundation Util Data DataSQLite)
find_package(spdlog REQUIRED)
find_package(Boost 1.74 REQUIRED COMPONENTS filesystem system)
find_package(SQLite3 REQUIRED)
find_package(yaml-cpp REQUIRED)

find_package(Python3 REQUIRED COMPONENTS Interpreter)  # writes the manual pages
find_package(PkgConfig REQUIRED)
pkg_check_modules(isal REQUIRED IMPORTED_TARGET libisal)
# For what v0.3 wrote; codecs find their own.
pkg_check_modules(lz4 REQUIRED IMPORTED_TARGET liblz4)

# Boost headers are the system's: their warnings are not ours. The names that deprecated placeholders pull in stay away.
add_compile_definitions(BOOST_BIND_GLOBAL_PLACEHOLDERS BOOST_ALLOW_DEPRECATED_HEADERS)
