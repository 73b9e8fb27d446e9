#include "tests/rig/bridge_noise.h"

const char *const noise_names[NOISE_KIND_COUNT] = {
	[NOISE_FLIP] = "flip",		 [NOISE_DROP] = "drop",	  [NOISE_DUPLICATE] = "duplicate",
	[NOISE_LOSE_LINE] = "lose_line", [NOISE_STALL] = "stall", [NOISE_HANG_UP] = "hang_up",
};

/* splitmix64: any seed will do, near ones give unlike numbers. */
static uint64_t next(struct noise *noise)
{
	uint64_t z = noise->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static bool happens(struct noise *noise, enum noise_kind kind)
{
	unsigned rate = noise->rates[kind];

	if (rate == 0 || next(noise) % rate != 0)
		return false;
	noise->counts[kind]++;
	return true;
}

struct noise noise_start(const unsigned rates[NOISE_KIND_COUNT], uint64_t seed)
{
	return (struct noise) { .rates = rates, .state = seed };
}

static bool is_end(uint8_t byte)
{
	return byte == '\r' || byte == '\n';
}

static bool begins_line(const struct noise *noise, uint8_t byte)
{
	return !noise->in_line && !is_end(byte);
}

bool noise_stalls(struct noise *noise, uint8_t byte)
{
	return begins_line(noise, byte) && happens(noise, NOISE_STALL);
}

bool noise_hangs_up(struct noise *noise, uint8_t byte)
{
	return begins_line(noise, byte) && happens(noise, NOISE_HANG_UP);
}

size_t noise_byte(struct noise *noise, uint8_t byte, uint8_t ret_bytes[2])
{
	if (begins_line(noise, byte))
		noise->lost = happens(noise, NOISE_LOSE_LINE);
	noise->in_line = !is_end(byte);
	if (noise->lost || happens(noise, NOISE_DROP))
		return 0;
	if (happens(noise, NOISE_FLIP))
		byte ^= (uint8_t)(1u << next(noise) % 8);
	ret_bytes[0] = ret_bytes[1] = byte;
	return happens(noise, NOISE_DUPLICATE) ? 2 : 1;
}
