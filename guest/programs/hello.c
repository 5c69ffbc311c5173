/*
 * hello [ARGUMENT...]
 *
 * Prints its arguments, the variables of its environment, and each line of its standard input. Exit code 0.
 */
#include <faultline/rt.h>

int main(int argc, char **argv, char **envp) {
  puts("Hello from a guest.");
  for (int i = 0; i < argc; i++) printf("argument %d: %s\n", i, argv[i]);
  for (char **entry = envp; *entry != 0; entry++) printf("environment: %s\n", *entry);

  char line[256];
  uint64_t bytes = 0;
  while (fgets(line, sizeof(line), stdin) != 0) {
    bytes += strlen(line);
    printf("input: %s%s", line, strchr(line, '\n') != 0 ? "" : "\n");
  }
  printf("input ended after %lu bytes\n", bytes);
  return 0;
}
