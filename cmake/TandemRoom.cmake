# tandem_room(routing DEPENDS base http service SOURCES pattern.cpp router.cpp [LIBRARIES Boost::headers])
#
# A room is a static library of its folder's sources, Tandem::routing, and may include what it names in DEPENDS and nothing
# else; tests/layers reads the same line and checks every #include.
function(tandem_room name)
  cmake_parse_arguments(ROOM "" "" "DEPENDS;SOURCES;LIBRARIES" ${ARGN})
  add_library(tandem_${name} STATIC ${ROOM_SOURCES})
  add_library(Tandem::${name} ALIAS tandem_${name})
  target_include_directories(tandem_${name} PUBLIC "${CMAKE_SOURCE_DIR}/src")
  list(TRANSFORM ROOM_DEPENDS PREPEND "Tandem::" OUTPUT_VARIABLE rooms)
  target_link_libraries(tandem_${name} PUBLIC ${rooms} ${ROOM_LIBRARIES} PRIVATE tandem_warnings)
endfunction()

# tandem_test(routing) builds tests/unit/routing/*_test.cpp into one program and registers it.
function(tandem_test name)
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/unit/${name}/*_test.cpp")
  if(NOT sources OR NOT TARGET Tandem::${name})
    return()
  endif()
  add_executable(tandem_${name}_test ${sources})
  target_include_directories(tandem_${name}_test PRIVATE "${CMAKE_SOURCE_DIR}/tests")
  target_link_libraries(tandem_${name}_test PRIVATE Tandem::${name} ${ARGN} GTest::gtest_main tandem_warnings)
  # The room is what is tested: optimising the tests themselves would double the time that they take to compile.
  target_compile_options(tandem_${name}_test PRIVATE -O0)
  # Only for those that need it, or no clone could use what another has compiled.
  foreach(source ${sources})
    file(STRINGS "${source}" uses REGEX TANDEM_SOURCE_DIR LIMIT_COUNT 1)
    if(uses)
      set_property(SOURCE "${source}" APPEND PROPERTY COMPILE_DEFINITIONS "TANDEM_SOURCE_DIR=\"${CMAKE_SOURCE_DIR}\"")
    endif()
  endforeach()
  add_test(NAME unit.${name} COMMAND tandem_${name}_test)
endfunction()
