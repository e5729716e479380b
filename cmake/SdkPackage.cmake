# What find_package(litestream) finds: installed, or here in the tree, so that a plugin's CMakeLists.txt is the same in both.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
if(CMAKE_LIBRARY_ARCHITECTURE)  # Debian's place below every prefix, where both its loader and CMake look
  set(CMAKE_INSTALL_LIBDIR lib/${CMAKE_LIBRARY_ARCHITECTURE})
endif()

# The library's ABI is that of the interfaces, so its soname has their number.
file(STRINGS ${PROJECT_SOURCE_DIR}/core/include/litestream/Plugin.h LITESTREAM_SDK_VERSION REGEX "uint32_t kSdkVersion = [0-9]+")
string(REGEX REPLACE ".*= ([0-9]+).*" "\\1" LITESTREAM_SDK_VERSION "${LITESTREAM_SDK_VERSION}")

set(sdk_config ${PROJECT_SOURCE_DIR}/cmake/litestream-config.cmake)
set(sdk_config_version ${CMAKE_FIND_PACKAGE_REDIRECTS_DIR}/litestream-config-version.cmake)
write_basic_package_version_file(${sdk_config_version} COMPATIBILITY SameMinorVersion)
file(COPY ${sdk_config} DESTINATION ${CMAKE_FIND_PACKAGE_REDIRECTS_DIR})
include(${PROJECT_SOURCE_DIR}/cmake/LitestreamPlugin.cmake)

install(FILES ${sdk_config} ${sdk_config_version}
  ${PROJECT_SOURCE_DIR}/cmake/LitestreamPlugin.cmake ${PROJECT_SOURCE_DIR}/cmake/litestream-plugin.map
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/litestream COMPONENT dev)
install(EXPORT litestream-sdk NAMESPACE litestream:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/litestream COMPONENT dev)
