/* classify_alone.c - sensor/classify.c without libndpi, which takes half a second to be set up and
 * remembers: with it a target is neither fast nor does the same input do the same thing. */
#undef HAVE_NDPI
#include "sensor/classify.c"
