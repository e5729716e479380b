# Flags for everything of ours, as one interface target.
add_library(litestream_compiler INTERFACE)
target_compile_options(litestream_compiler INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Werror -fno-semantic-interposition)
target_link_options(litestream_compiler INTERFACE -Wl,--as-needed)

if(LITESTREAM_SANITIZE)
  add_compile_options(-fsanitize=${LITESTREAM_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${LITESTREAM_SANITIZE})
  if(LITESTREAM_SANITIZE STREQUAL "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC warns that it cannot model std::atomic_thread_fence, which Boost.Asio uses.
    add_compile_options(-Wno-tsan)
  endif()
endif()

find_program(LITESTREAM_CCACHE ccache)
if(LITESTREAM_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${LITESTREAM_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${LITESTREAM_CCACHE})
endif()

# One area of core: a static library named after its folder under core/src.
#   litestream_add_area(ltx SOURCES Format.cpp LIBRARIES isal)
function(litestream_add_area NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_library(litestream_${NAME} STATIC ${ARG_SOURCES})
  target_include_directories(litestream_${NAME} PUBLIC ${PROJECT_SOURCE_DIR}/core/src)
  target_link_libraries(litestream_${NAME} PUBLIC litestream::sdk ${ARG_LIBRARIES} PRIVATE litestream_compiler)
endfunction()
