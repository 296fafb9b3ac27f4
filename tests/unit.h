/* unit.h - what every unit test includes before anything else of cmocka. */
#ifndef MAILSEAL_TESTS_UNIT_H
#define MAILSEAL_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A struct span of a literal, which may have NULs in it. */
#define BYTES(text)                                       \
	{                                                 \
		(const uint8_t *)(text), sizeof(text) - 1 \
	}

#endif
