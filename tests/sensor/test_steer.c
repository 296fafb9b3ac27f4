/* Tests that the kernel hands packets to the workers whose they are. Needs root. */
#include "tests/unit.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sensor/steer.h"
#include "tests/sensor/network.h"

#define WORKERS 3
#define FRAMES  60
#define LENGTH  100

/* A frame between two of many addresses; odd ones go back. */
static void make_frame(unsigned n, bool v6, uint8_t frame[LENGTH], uint8_t addr[2][16])
{
	size_t at = v6 ? 8 : 12, size = v6 ? 16 : 4;

	memset(frame, 0, LENGTH);
	memset(addr, 0, 32);
	frame[12] = v6 ? 0x86 : 0x08;
	frame[13] = v6 ? 0xdd : 0x00;
	frame[14] = v6 ? 0x60 : 0x45;
	for (unsigned end = 0; end < 2; end++) {
		uint8_t *a = addr[end ^ (n & 1)];

		if (!v6)
			a[10] = a[11] = 0xff;
		for (size_t i = 16 - size; i < 16; i++)
			a[i] = (uint8_t)((n / 2 + 7 * end + 1) * (i + 3) * 37);
	}
	for (unsigned end = 0; end < 2; end++)
		memcpy(frame + 14 + at + end * size, addr[end] + 16 - size, size);
	frame[LENGTH - 1] = (uint8_t)n;
}

/* How often the socket has this frame. */
static unsigned has(int fd, const uint8_t frame[LENGTH])
{
	uint8_t got[2 * LENGTH];
	unsigned n = 0;
	ssize_t length;

	while ((length = recv(fd, got, sizeof(got), MSG_DONTWAIT)) >= 0)
		n += length == LENGTH && memcmp(got, frame, LENGTH) == 0;
	return n;
}

static void send_and_look(const int *fds, unsigned n, bool v6, bool used[WORKERS])
{
	uint8_t frame[LENGTH], addr[2][16];
	unsigned whose;

	make_frame(n, v6, frame, addr);
	whose = steer_hash(addr) % WORKERS;
	used[whose] = true;
	assert_int_equal(send(fds[0], frame, LENGTH, 0), LENGTH);
	for (unsigned i = 0; i < WORKERS; i++) { /* maybe twice: it goes out and comes in */
		unsigned times = has(fds[i], frame);

		if ((times > 0) != (i == whose))
			fail_msg("frame %u of IPv%d: worker %u has it %u times, it is of %u", n,
				 v6 ? 6 : 4, i, times, whose);
	}
}

static void each_packet_comes_to_its_worker(void **state)
{
	bool used[WORKERS] = { false };
	int fds[WORKERS];
	char err[256];

	(void)state;
	if (!have_network())
		return;
	for (unsigned i = 0; i < WORKERS; i++)
		fds[i] = packet_socket();
	assert_true(steer_sockets(fds, WORKERS, err, sizeof(err)));
	for (unsigned n = 0; n < FRAMES; n++)
		send_and_look(fds, n, n % 4 < 2, used);
	for (unsigned i = 0; i < WORKERS; i++) {
		assert_true(used[i]);
		close(fds[i]);
	}
}

static void both_directions_are_of_one(void **state)
{
	uint8_t frame[LENGTH], there[2][16], back[2][16];

	(void)state;
	for (unsigned n = 0; n < FRAMES; n += 2) {
		make_frame(n, n % 4, frame, there);
		make_frame(n + 1, n % 4, frame, back);
		assert_memory_equal(there[0], back[1], 16);
		assert_int_equal(steer_hash(there), steer_hash(back));
	}
}

static void what_is_no_packet_socket_is_told(void **state)
{
	int fds[2] = { socket(AF_INET, SOCK_DGRAM, 0), -1 };
	char err[256] = "";

	(void)state;
	assert_false(steer_sockets(fds, 2, err, sizeof(err)));
	assert_non_null(strstr(err, "cannot be spread over workers"));
	close(fds[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_directions_are_of_one),
		cmocka_unit_test(what_is_no_packet_socket_is_told),
		cmocka_unit_test(each_packet_comes_to_its_worker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
