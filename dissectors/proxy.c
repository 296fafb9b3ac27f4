#include "dissectors/proxy.h"

#include <string.h>

enum { PROXY_START, PROXY_LINE, PROXY_FIXED, PROXY_ADDRESSES, PROXY_OVER };
enum { LINE_LONGEST = 107, FIXED = 16 };

static const uint8_t line_begin[] = { 'P', 'R', 'O', 'X', 'Y', ' ' };
static const uint8_t signature[] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
				     0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a };

static bool begins_with(const uint8_t *data, size_t n, const uint8_t *what, size_t length)
{
	return n >= length && memcmp(data, what, length) == 0;
}

static void start(struct proxy *p, const uint8_t *data, size_t n)
{
	if (begins_with(data, n, line_begin, sizeof(line_begin)))
		p->state = PROXY_LINE;
	else if (begins_with(data, n, signature, sizeof(signature)))
		p->state = PROXY_FIXED;
	else
		p->state = PROXY_OVER;
}

/* Version 1: up to the LF. */
static void line_byte(struct proxy *p, uint8_t b)
{
	p->have++;
	if (b == '\n' || p->have == LINE_LONGEST)
		p->state = PROXY_OVER;
}

/* Version 2: signature, version and command, family, length. */
static void fixed_byte(struct proxy *p, uint8_t b)
{
	p->have++;
	if (p->have == FIXED - 1)
		p->left = (uint16_t)(b << 8);
	if (p->have < FIXED)
		return;
	p->left = (uint16_t)(p->left | b);
	p->state = p->left ? PROXY_ADDRESSES : PROXY_OVER;
}

static void address_byte(struct proxy *p)
{
	if (--p->left == 0)
		p->state = PROXY_OVER;
}

size_t proxy_skip(struct proxy *p, const uint8_t *data, size_t n)
{
	size_t i = 0;

	if (p->state == PROXY_START && n > 0)
		start(p, data, n);
	for (; i < n && p->state != PROXY_OVER; i++) {
		switch (p->state) {
		case PROXY_LINE: line_byte(p, data[i]); break;
		case PROXY_FIXED: fixed_byte(p, data[i]); break;
		case PROXY_ADDRESSES: address_byte(p); break;
		}
	}
	return i;
}

void proxy_give_up(struct proxy *p)
{
	p->state = PROXY_OVER;
}
