/* unit.h - what every unit test includes before anything else of cmocka. */
#ifndef MAILSEAL_TESTS_UNIT_H
#define MAILSEAL_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
