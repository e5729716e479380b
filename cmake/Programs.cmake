# One installed program, which finds the SDK's library wherever the whole tree has been put.
#   litestream_add_program(litestreamd SOURCES main.cpp LIBRARIES litestream_app)
function(litestream_add_program NAME)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "SOURCES;LIBRARIES")
  add_executable(${NAME} ${ARG_SOURCES})
  target_link_libraries(${NAME} PRIVATE litestream_compiler ${ARG_LIBRARIES})
  set_target_properties(${NAME} PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
  install(TARGETS ${NAME} RUNTIME DESTINATION bin)
endfunction()
