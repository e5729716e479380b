# What is installed beside the programs, the plugins and the SDK, and how all of it becomes packages:
#   cmake --install BUILD        below the prefix
#   cpack -B BUILD/packages      litestream, what a server needs; litestream-dev, what a plugin's author needs as well; and both as one archive
litestream_add_manual(litestream.yml.5 ${PROJECT_SOURCE_DIR}/cmake/packaging/man/litestream.yml.5
  --sample ${PROJECT_SOURCE_DIR}/config/litestream.yml)

install(FILES cmake/packaging/completion/_litestream DESTINATION share/zsh/vendor-completions)
install(FILES config/litestream.service DESTINATION lib/systemd/system)
install(FILES config/litestream.yml config/litestream.ini DESTINATION share/doc/litestream/examples)
install(DIRECTORY docs/ DESTINATION share/doc/litestream/docs FILES_MATCHING PATTERN "*.md")

find_program(LITESTREAM_GZIP gzip REQUIRED)
execute_process(COMMAND ${LITESTREAM_GZIP} -9nc ${PROJECT_SOURCE_DIR}/cmake/packaging/debian/changelog
  OUTPUT_FILE ${CMAKE_BINARY_DIR}/changelog.gz COMMAND_ERROR_IS_FATAL ANY)
foreach(component runtime dev)
  set(package litestream)
  if(component STREQUAL "dev")
    set(package litestream-dev)
  endif()
  install(FILES cmake/packaging/debian/copyright ${CMAKE_BINARY_DIR}/changelog.gz DESTINATION share/doc/${package} COMPONENT ${component})
endforeach()

set(CPACK_GENERATOR DEB TGZ)
set(CPACK_PACKAGE_NAME litestream)
set(CPACK_PACKAGE_VENDOR "Litestream developers")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL runtime dev)

set(CPACK_PACKAGE_FILE_NAME litestream-${PROJECT_VERSION}-${CMAKE_SYSTEM_PROCESSOR})
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "Litestream developers <litestream@home.arpa>")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_BINARY_DIR}/bin)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

# A packaged plugin then depends on this package, by dpkg-shlibdeps.
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/shlibs
  CONTENT "liblitestream_sdk ${LITESTREAM_SDK_VERSION} litestream (>= ${PROJECT_VERSION})\n")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME litestream)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION database)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA
  ${CMAKE_BINARY_DIR}/shlibs ${PROJECT_SOURCE_DIR}/cmake/packaging/debian/triggers
  ${PROJECT_SOURCE_DIR}/cmake/packaging/debian/postinst ${PROJECT_SOURCE_DIR}/cmake/packaging/debian/prerm ${PROJECT_SOURCE_DIR}/cmake/packaging/debian/postrm)
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION "replicates SQLite databases to directories and object storage
Every committed change of a database is copied within milliseconds, without a
helper table in it and without making its writers wait. Any moment that a
replica has can be restored.")

set(CPACK_DEBIAN_DEV_PACKAGE_NAME litestream-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "litestream (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_DEV_PACKAGE_RECOMMENDS "cmake, g++")
set(CPACK_COMPONENT_DEV_DESCRIPTION "replicates SQLite databases - for authors of plugins
Headers and CMake package of the interfaces that sources, transports and codecs
implement. Begin with /usr/share/doc/litestream/docs/plugins.md.")
include(CPack)
