#include "dissectors/proxy.h"

#include <string.h>

enum { PROXY_BEGIN, PROXY_LINE, PROXY_FIXED, PROXY_ADDRESSES, PROXY_MISTAKEN, PROXY_OVER };
enum { LINE_LONGEST = 107, FIXED = 16, VERSION_2 = 2 };

static const uint8_t line_begin[] = { 'P', 'R', 'O', 'X', 'Y', ' ' };
static const uint8_t signature[] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
				     0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a };

/* What each version begins with, and nothing else does; the second goes on with its number. */
static struct span beginning(const struct proxy *p)
{
	return p->binary ? (struct span){ signature, sizeof(signature) }
			 : (struct span){ line_begin, sizeof(line_begin) };
}

static bool begin_byte(struct proxy *p, uint8_t b)
{
	if (p->have == 0)
		p->binary = b == signature[0];
	if (p->have == beginning(p).len ? b >> 4 != VERSION_2 : b != beginning(p).at[p->have]) {
		proxy_give_up(p);
		return false;
	}
	p->have++;
	if (p->have == beginning(p).len + p->binary)
		p->state = p->binary ? PROXY_FIXED : PROXY_LINE;
	return true;
}

/* Version 1: up to the LF. */
static void line_byte(struct proxy *p, uint8_t b)
{
	p->have++;
	if (b == '\n' || p->have == LINE_LONGEST)
		p->state = PROXY_OVER;
}

/* Version 2, behind the signature, version and command: family, length. */
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
	for (size_t i = 0; i < n; i++) {
		switch (p->state) {
		case PROXY_BEGIN:
			if (!begin_byte(p, data[i]))
				return i;
			break;
		case PROXY_LINE: line_byte(p, data[i]); break;
		case PROXY_FIXED: fixed_byte(p, data[i]); break;
		case PROXY_ADDRESSES: address_byte(p); break;
		case PROXY_MISTAKEN:
		case PROXY_OVER: return i;
		}
	}
	return n;
}

struct span proxy_mistaken(struct proxy *p)
{
	if (p->state != PROXY_MISTAKEN)
		return (struct span){ NULL, 0 };
	p->state = PROXY_OVER;
	return (struct span){ beginning(p).at, p->have };
}

void proxy_give_up(struct proxy *p)
{
	if (p->state != PROXY_MISTAKEN)
		p->state = p->state == PROXY_BEGIN && p->have > 0 ? PROXY_MISTAKEN : PROXY_OVER;
}
