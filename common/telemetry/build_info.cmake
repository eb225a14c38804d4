# Writes build_info.cc: cmake -DSOURCE_DIR= -DGIVEN_COMMIT= -DVERSION= -DBUILD_TYPE= -DTEMPLATE= -DOUTPUT= -P build_info.cmake
# The commit is the one given, else the checkout's, else `unknown`.
set(COMMIT "${GIVEN_COMMIT}")
if(NOT COMMIT)
  execute_process(COMMAND git -C ${SOURCE_DIR} rev-parse --short=12 HEAD
                  OUTPUT_VARIABLE COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(failed OR NOT COMMIT)
    set(COMMIT unknown)
  endif()
endif()
configure_file(${TEMPLATE} ${OUTPUT} @ONLY)
