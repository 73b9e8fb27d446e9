#include "hsm/token/pin_mark.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "hsm/token/save.h"
#include "hsm/x509/crypto.h"

#include <openssl/rand.h>
#include <unistd.h>

#define SALT_LEN 16
#define TAG_LEN 2
#define MARK_LEN (SALT_LEN + TAG_LEN)
#define TAG_LAST_MASK 0xf0 /* of its last byte: 12 bits in all */

static bool fill_tag(uint8_t mark[static MARK_LEN], struct bytes pin, struct err *e)
{
	AUTO(EVP_MD_CTX) context = EVP_MD_CTX_new();
	uint8_t hash[EVP_MAX_MD_SIZE];

	if (!context || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1 ||
	    EVP_DigestUpdate(context, mark, SALT_LEN) != 1 ||
	    EVP_DigestUpdate(context, pin.data, pin.len) != 1 ||
	    EVP_DigestFinal_ex(context, hash, NULL) != 1)
		return crypto_failed("hash the PIN", e);
	memcpy(mark + SALT_LEN, hash, TAG_LEN);
	mark[MARK_LEN - 1] &= TAG_LAST_MASK;
	OPENSSL_cleanse(hash, sizeof(hash));
	return true;
}

bool pin_mark_exists(const char *path)
{
	return path[0] && access(path, F_OK) == 0;
}

bool pin_mark_check(const char *path, struct bytes pin, struct err *e)
{
	AUTO_FREE uint8_t *mark = NULL;
	uint8_t now[MARK_LEN];
	size_t len;

	if (!file_read(path, MARK_LEN, &mark, &len, e))
		return err_add(e, "the mark of a refused PIN");
	if (len == MARK_LEN) {
		memcpy(now, mark, MARK_LEN);
		if (!fill_tag(now, pin, e))
			return false;
		if (memcmp(now, mark, MARK_LEN) != 0)
			return true;
	}
	return err_set(e, ERR_PIN,
		       "the token refused this PIN before, and no PIN is tried twice: correct the "
		       "PIN file, or remove %s if it was the token that was put right",
		       path);
}

bool pin_mark_set(const char *path, struct bytes pin, struct err *e)
{
	uint8_t mark[MARK_LEN];

	if (!path[0])
		return true;
	if (RAND_bytes(mark, SALT_LEN) != 1)
		return crypto_failed("draw random bytes", e);
	return fill_tag(mark, pin, e) &&
	       save_file(path, 0600, geteuid(), getegid(), BYTES(mark), e);
}

void pin_mark_clear(const char *path)
{
	if (path[0])
		unlink(path);
}
