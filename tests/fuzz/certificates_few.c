/* certificates_few.c - sensor/certificates.c with a small memory: the real one takes longer to be set
 * up than most inputs take. */
#include "sensor/certificates.h"

#undef CERTIFICATES_KNOWN
#undef CERTIFICATES_WAITING
#define CERTIFICATES_KNOWN   4
#define CERTIFICATES_WAITING 2
#include "sensor/certificates.c"
