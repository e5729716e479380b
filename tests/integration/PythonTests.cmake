# Every test method of the given Python files becomes a ctest of its own: integration.test_replicate.RestartsWhereItStopped...
#   litestream_add_python_tests(integration FILES test_replicate.py LABELS integration TIMEOUT 300)
find_program(LITESTREAM_PYTHON NAMES python3 REQUIRED)
set(LITESTREAM_PYTHON_RUNNER ${CMAKE_CURRENT_LIST_DIR}/run.py)

function(litestream_add_python_tests SUITE)
  cmake_parse_arguments(ARG "" "TIMEOUT" "FILES;LABELS;ENVIRONMENT;FIXTURES" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  foreach(file ${ARG_FILES})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${file})
    file(STRINGS ${file} lines REGEX "^class [A-Za-z0-9_]+\\(.*TestCase\\)|^    def test_[A-Za-z0-9_]+")
    set(class "")
    foreach(line ${lines})
      if(line MATCHES "^class ([A-Za-z0-9_]+)")
        set(class ${CMAKE_MATCH_1})
      elseif(line MATCHES "def test_([A-Za-z0-9_]+)" AND class)
        set(name ${SUITE}.${class}.${CMAKE_MATCH_1})
        add_test(NAME ${name} COMMAND ${LITESTREAM_PYTHON} ${LITESTREAM_PYTHON_RUNNER}
          ${CMAKE_CURRENT_SOURCE_DIR}/${file} ${class}.test_${CMAKE_MATCH_1})
        set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT} SKIP_RETURN_CODE 77
          FIXTURES_REQUIRED "${ARG_FIXTURES}"
          ENVIRONMENT "LITESTREAM_BIN=${CMAKE_BINARY_DIR}/bin;LITESTREAM_TOOLS=${CMAKE_BINARY_DIR}/tests;LITESTREAM_CACHE=${CMAKE_BINARY_DIR}/official;PYTHONDONTWRITEBYTECODE=1;${ARG_ENVIRONMENT}")
      endif()
    endforeach()
  endforeach()
endfunction()
