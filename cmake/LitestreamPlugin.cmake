# How plugins are built, in Litestream's tree and out of it: find_package(litestream) includes this file.
include_guard(GLOBAL)

# What every object file of a plugin needs, whatever the project around it says.
function(litestream_plugin_settings NAME)
  set_target_properties(${NAME} PROPERTIES
    CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON POSITION_INDEPENDENT_CODE ON)
  if(TARGET litestream_compiler)  # warnings are errors in the tree, and nobody else's trouble
    target_link_libraries(${NAME} PRIVATE litestream_compiler)
  endif()
endfunction()

# One plugin: the shared object NAME.so, linked with the SDK and LIBRARIES, nothing else of ours. It shows its descriptor only, and a symbol
# that none of the libraries has is an error now instead of a refusal when it is loaded. `cmake --install` puts it into
# lib/litestream/plugins below the prefix.
#   litestream_add_plugin(codec-lz4 SOURCES Lz4Codec.cpp LIBRARIES lz4::lz4)
function(litestream_add_plugin NAME)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "SOURCES;LIBRARIES")
  add_library(${NAME} MODULE ${ARG_SOURCES})
  litestream_plugin_settings(${NAME})
  target_link_libraries(${NAME} PRIVATE litestream::sdk ${ARG_LIBRARIES})
  set(symbols ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/litestream-plugin.map)
  target_link_options(${NAME} PRIVATE -Wl,--no-undefined -Wl,--version-script=${symbols})
  set_target_properties(${NAME} PROPERTIES PREFIX "" LINK_DEPENDS ${symbols})
  if(LITESTREAM_PLUGIN_DIRECTORY)
    set_target_properties(${NAME} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${LITESTREAM_PLUGIN_DIRECTORY})
  endif()
  install(TARGETS ${NAME} LIBRARY DESTINATION lib/litestream/plugins)
endfunction()

# Objects of a plugin that something beside it links too: its unit tests, or another plugin. They and whoever links them may
# include the files of this folder. To be linked like a library: litestream_add_plugin(... LIBRARIES NAME).
#   litestream_add_plugin_objects(transport-s3-objects SOURCES Client.cpp LIBRARIES Poco::Net)
function(litestream_add_plugin_objects NAME)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "SOURCES;LIBRARIES")
  add_library(${NAME} OBJECT ${ARG_SOURCES})
  litestream_plugin_settings(${NAME})
  target_include_directories(${NAME} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${NAME} PUBLIC litestream::sdk ${ARG_LIBRARIES})
endfunction()
