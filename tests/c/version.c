/* Versions: header and library are of one edition. */
#include "check.h"

int main(void) {
  char expected[32];
  snprintf(expected, sizeof expected, "%d.%d.%d", SESSIO_VERSION_MAJOR, SESSIO_VERSION_MINOR, SESSIO_VERSION_PATCH);
  CHECK(strcmp(sessio_version(), expected) == 0);
  CHECK(sessio_version() == sessio_version());
  CHECK(sessio_abi_version() == SESSIO_ABI_VERSION);
  return 0;
}
