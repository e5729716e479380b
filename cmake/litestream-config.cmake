# Gives the target litestream::sdk and the function litestream_add_plugin. In Litestream's own tree both are there already.
if(NOT TARGET litestream::sdk)
  include(${CMAKE_CURRENT_LIST_DIR}/litestream-sdk.cmake)
  include(${CMAKE_CURRENT_LIST_DIR}/LitestreamPlugin.cmake)
endif()
