/* timezone.h - names of time zones, as the system's tzdata has them. */
#ifndef MAILSEAL_TIMEZONE_H
#define MAILSEAL_TIMEZONE_H

#include <stdbool.h>

/* "UTC", and "Europe/Paris" when the system knows it ($TZDIR, else /usr/share/zoneinfo). libc takes
 * any other name for UTC without a word. */
bool timezone_known(const char *name);

#endif
