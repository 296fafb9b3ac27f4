#include "tests/sensor/attempts.h"

#include <fcntl.h>
#include <net/ethernet.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/sensor/attempts_table.h"

#define ROW(what, name, without) { name, try_##what, without },
const struct attempt attempts[] = { ATTEMPTS(ROW) };
#undef ROW
const size_t attempts_n = sizeof(attempts) / sizeof(attempts[0]);

bool attempt_refused(int result)
{
	return result == EPERM || result == ATTEMPT_NONE;
}

bool attempt_unfiltered(const struct attempt *a, int result)
{
	return result == a->without || result == ATTEMPT_NONE || a->without == ATTEMPT_OPEN ||
	       (a->without == ATTEMPT_ANY && result != EPERM);
}

void open_things_init(struct open_things *o, int channel, int packets)
{
	socklen_t len = sizeof(o->to);

	memset(o, 0, sizeof(*o));
	o->channel = channel;
	o->packets = packets;
	if (packets >= 0)
		(void)getsockname(packets, (struct sockaddr *)&o->to, &len);
	o->to.sll_halen = ETH_ALEN;
	o->udp = socket(AF_INET, SOCK_DGRAM, 0);
	o->file = open("/dev/null", O_WRONLY);
	o->readable = open("/dev/zero", O_RDONLY);
	o->page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	o->pid = getpid();
	o->parent = getppid();
}
