# Whole-program switches: every object of a sanitized build needs them, those of the tests' frameworks too.
if(TANDEM_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(TANDEM_SANITIZE STREQUAL "thread")
  # -Wno-tsan: Asio orders some operations with atomic_thread_fence, which GCC's ThreadSanitizer does not model.
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer -Wno-tsan)
  add_link_options(-fsanitize=thread)
elseif(TANDEM_SANITIZE STREQUAL "fuzzer")
  # -fno-sanitize=function: Clang 14 can't emit that check for coroutines.
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=function -fno-sanitize-recover=undefined
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(TANDEM_SANITIZE)
  message(FATAL_ERROR "TANDEM_SANITIZE is \"${TANDEM_SANITIZE}\", expected address, thread or fuzzer")
endif()
