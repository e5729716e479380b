# One installed program with its manual page and its completion. It finds the SDK's library wherever the whole tree has been put.
# A page in cmake/packaging/man adds to what `PROGRAM -help` says; section 1, if not told otherwise.
#   litestream_add_program(litestreamd SOURCES main.cpp LIBRARIES litestream_app SECTION 8)
function(litestream_add_program NAME)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "SECTION" "SOURCES;LIBRARIES")
  add_executable(${NAME} ${ARG_SOURCES})
  target_link_libraries(${NAME} PRIVATE litestream_compiler ${ARG_LIBRARIES})
  set_target_properties(${NAME} PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
  install(TARGETS ${NAME} RUNTIME DESTINATION bin)

  if(NOT ARG_SECTION)
    set(ARG_SECTION 1)
  endif()
  set(more ${PROJECT_SOURCE_DIR}/cmake/packaging/man/${NAME}.${ARG_SECTION})
  if(NOT EXISTS ${more})
    set(more ${PROJECT_SOURCE_DIR}/cmake/packaging/man/program.1)
  endif()
  litestream_add_manual(${NAME}.${ARG_SECTION} ${more} --program $<TARGET_FILE:${NAME}>)

  install(FILES ${PROJECT_SOURCE_DIR}/cmake/packaging/completion/litestream.bash
    DESTINATION share/bash-completion/completions RENAME ${NAME})
endfunction()

# One manual page, written by cmake/packaging/manpage.py: from the text MORE, and from what --program or --sample names.
function(litestream_add_manual PAGE MORE OPTION FILE)
  string(REGEX MATCH "[0-9]$" section ${PAGE})
  set(script ${PROJECT_SOURCE_DIR}/cmake/packaging/manpage.py)
  set(changelog ${PROJECT_SOURCE_DIR}/cmake/packaging/debian/changelog)
  set(output ${CMAKE_BINARY_DIR}/man/${PAGE}.gz)
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/man)
  add_custom_command(OUTPUT ${output}
    COMMAND Python3::Interpreter ${script} ${OPTION} ${FILE} --section ${section} --more ${MORE} --changelog ${changelog} ${output}
    DEPENDS ${script} ${MORE} ${changelog} ${FILE} VERBATIM)
  add_custom_target(manual-${PAGE} ALL DEPENDS ${output})
  install(FILES ${output} DESTINATION share/man/man${section})
endfunction()
