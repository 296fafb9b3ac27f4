#include "dissectors/sasl.h"

#define COMMAND_LENGTH 4

static bool is_base64(uint8_t b)
{
	uint8_t letter = ascii_upper(b);

	return (letter >= 'A' && letter <= 'Z') || (b >= '0' && b <= '9') || b == '+' || b == '/';
}

bool sasl_is_response(struct span word, bool cut)
{
	size_t n = 0, padded;

	while (n < word.len && is_base64(word.at[n]))
		n++;
	padded = word.len - n;
	if (cut)
		return padded == 0;
	for (size_t i = n; i < word.len; i++) {
		if (word.at[i] != '=')
			return false;
	}
	return padded <= 2 && word.len % 4 == 0 && n >= (padded ? 2 : COMMAND_LENGTH + 1);
}
