# tandem_dashboard(target) gives `target` the dashboard's files. TANDEM_DASHBOARD decides which:
#   AUTO  made of web/ where there is npm; where it can't be (no network, say) the build goes on without
#   ON    made of web/, or the build fails
#   OFF   a page that says that there is none
#   PATH  a dashboard_files.cpp that web/make.sh has made elsewhere
set(TANDEM_DASHBOARD "AUTO" CACHE STRING "The admin side's dashboard: AUTO, ON, OFF, or a dashboard_files.cpp made elsewhere")

function(tandem_dashboard target)
  set(none "${CMAKE_SOURCE_DIR}/web/none.cpp")
  find_program(NPM npm)
  if(TANDEM_DASHBOARD STREQUAL "OFF")
    target_sources(${target} PRIVATE "${none}")
    return()
  elseif(NOT TANDEM_DASHBOARD MATCHES "^(ON|AUTO)$")
    target_sources(${target} PRIVATE "${TANDEM_DASHBOARD}")
    return()
  elseif(NOT NPM AND TANDEM_DASHBOARD STREQUAL "ON")
    message(FATAL_ERROR "npm is missing: install nodejs and npm, or say -DTANDEM_DASHBOARD=OFF")
  elseif(NOT NPM)
    message(STATUS "no npm here, so this build has no dashboard; ./tandem-dev install dashboard brings it")
    target_sources(${target} PRIVATE "${none}")
    return()
  endif()
  set(files "${CMAKE_BINARY_DIR}/web/dashboard_files.cpp")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/web/src/*")
  set(inputs ${sources})
  foreach(name make.sh embed.mjs index.html package.json package-lock.json .npmrc tsconfig.json vite.config.ts)
    list(APPEND inputs "${CMAKE_SOURCE_DIR}/web/${name}")
  endforeach()
  set(otherwise "")
  if(TANDEM_DASHBOARD STREQUAL "AUTO")
    set(otherwise "${none}")
  endif()
  add_custom_command(
    OUTPUT "${files}"
    COMMAND bash "${CMAKE_SOURCE_DIR}/web/make.sh" "${files}" ${otherwise}
    DEPENDS ${inputs} "${none}"
    COMMENT "The dashboard, by npm"
    VERBATIM)
  target_sources(${target} PRIVATE "${files}")
endfunction()
