#include "hsm/ceremony/pins.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "hsm/token/save.h"
#include "hsm/token/seal.h"
#include "hsm/x509/crypto.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#define PIN_LEN 20

/* Without 0 O 1 l and the like: a person may have to type it. */
static bool random_pin(char ret_pin[static PIN_LEN + 1], struct err *e)
{
	static const char characters[32] = "abcdefghjkmnpqrstuvwxyzABCDEF234";
	uint8_t random[PIN_LEN];

	if (RAND_priv_bytes(random, sizeof(random)) != 1)
		return crypto_failed("draw random bytes", e);
	for (size_t i = 0; i < PIN_LEN; i++)
		ret_pin[i] = characters[random[i] % sizeof(characters)];
	ret_pin[PIN_LEN] = '\0';
	OPENSSL_cleanse(random, sizeof(random));
	return true;
}

/* One line of a file that may be there from an attempt before; else a new random PIN, saved. */
static bool settle_pin(const char *path, const struct owner *owner, char ret_pin[static PINS_SIZE],
		       struct err *e)
{
	AUTO_FREE uint8_t *data = NULL;
	size_t len;

	if (access(path, F_OK) < 0)
		return random_pin(ret_pin, e) &&
		       save_file(path, 0600, owner->uid, owner->gid, bytes_text(ret_pin), e);
	if (!file_read(path, PINS_SIZE - 1, &data, &len, e))
		return err_add(e, "the PIN");
	memcpy(ret_pin, data, len + 1);
	ret_pin[strcspn(ret_pin, "\r\n")] = '\0';
	OPENSSL_cleanse(data, len);
	return ret_pin[0] ||
	       err_set(e, ERR_PIN, "the PIN file %s is empty: write the PIN into it", path);
}

/* The same in the credential store of systemd. */
static bool settle_sealed(const char *name, char ret_pin[static PINS_SIZE], struct err *e)
{
	if (seal_exists(name))
		return seal_read(name, ret_pin, PINS_SIZE, e);
	return random_pin(ret_pin, e) && seal_write(name, ret_pin, e);
}

bool pins_seal(const struct owner *owner, const char *path, struct pins *ret_pins, bool *ret_sealed,
	       struct err *e)
{
	bool can = seal_possible() && access(path, F_OK) < 0;
	bool is_old = can && seal_exists(SEAL_PIN);

	*ret_sealed = can && settle_sealed(SEAL_PIN, ret_pins->user, e);
	if (!*ret_sealed)
		return !is_old; /* one that cannot be opened is not replaced: it may be a token's */
	return settle_sealed(SEAL_SO_PIN, ret_pins->so, e) && seal_open(owner->uid, owner->gid, e);
}

bool pins_in_files(const struct owner *owner, const char *path, const char *so_path,
		   struct pins *ret_pins, struct err *e)
{
	struct owner self = { geteuid(), getegid(), false };

	return settle_pin(path, owner, ret_pins->user, e) &&
	       settle_pin(so_path, &self, ret_pins->so, e);
}
