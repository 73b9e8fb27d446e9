#include "hsm/api/refusal.h"

#include <stddef.h>

struct row {
	const char *name;
	bool board;
	const char *remedy;
};

#define ROW(code) [(code)-REFUSAL_FIRST]

static const struct row rows[REFUSAL_LAST - REFUSAL_FIRST] = {
	ROW(REFUSAL_PERMISSION) = { "permission", false,
				    "Ask somebody who may: orders, void and revoke are a "
				    "supervisor's." },
	ROW(REFUSAL_REQUEST) = { "request", false,
				 "Station and signer must be of the same version: install both "
				 "from one package." },
	ROW(REFUSAL_CSR) = { "csr", true,
			     "Set the board aside; if many boards do this, have the firmware "
			     "checked." },
	ROW(REFUSAL_KEY_TYPE) = { "key-type", true,
				  "Check that the board has the firmware of this product, or allow "
				  "the key type in the product." },
	ROW(REFUSAL_UNIT_TEXT) = { "unit-text", true,
				   "Check label and firmware of the board; the product says which "
				   "unit ids are right." },
	ROW(REFUSAL_UNIT_OTHER_KEY) = { "unit-other-key", true,
					"Set the board aside; a supervisor voids the earlier "
					"certificate (revokes it, if it was installed): imprint "
					"void UNIT --reason TEXT" },
	ROW(REFUSAL_UNIT_INSTALLED) = { "unit-installed", true,
					"Take the board out: it is finished. Only if it shall get "
					"another certificate, a supervisor revokes this one: "
					"imprint revoke UNIT --reason TEXT" },
	ROW(REFUSAL_KEY_OTHER_UNIT) = { "key-other-unit", true,
					"Set both boards aside and call a supervisor: a copied "
					"flash image or a broken random number generator." },
	ROW(REFUSAL_KEY_REVOKED) = { "key-revoked", true,
				     "Erase the board so that it makes a new key, then run it "
				     "again." },
	ROW(REFUSAL_REKEY_LIMIT) = { "rekey-limit", true,
				     "Set the board aside: it loses its key; a supervisor may void "
				     "its certificate." },
	ROW(REFUSAL_ORDER_NONE) = { "order-none", false,
				    "A supervisor puts an order in use: imprint order use ID" },
	ROW(REFUSAL_ORDER_UNKNOWN) = { "order-unknown", false,
				       "Look for its id with: imprint order list" },
	ROW(REFUSAL_ORDER_EXISTS) = { "order-exists", false,
				      "Take another id; imprint order list shows the ones taken." },
	ROW(REFUSAL_ORDER_CLOSED) = { "order-closed", false,
				      "A supervisor opens a new order: imprint order open ID "
				      "--product NAME --quantity N" },
	ROW(REFUSAL_ORDER_LATE) = { "order-late", false,
				    "A supervisor opens a new order with a later end: imprint "
				    "order open ID --until DATE" },
	ROW(REFUSAL_ORDER_UNIT) = { "order-unit", true,
				    "Check that the board belongs to this order." },
	ROW(REFUSAL_ORDER_QUOTA) = { "order-quota", false,
				     "The order is done; a supervisor may raise its quantity or "
				     "open the next one." },
	ROW(REFUSAL_PRODUCT) = { "product", false,
				 "Run imprint product check on the product's file and mend what it "
				 "says." },
	ROW(REFUSAL_UNKNOWN) = { "unknown", false,
				 "Check the id; imprint ledger list shows what there is." },
	ROW(REFUSAL_STATE) = { "state", false,
			       "See where it stands with: imprint ledger show UNIT" },
	ROW(REFUSAL_NONCE) = { "nonce", false, "Run the board again." },
	ROW(REFUSAL_PROOF) = { "proof", true,
			       "Set the board aside: it does not hold the key that its certificate "
			       "names." },
	ROW(REFUSAL_CLOCK) = { "clock", false,
			       "Set the clock, then a supervisor confirms it: imprint ledger "
			       "accept-time --reason TEXT" },
	ROW(REFUSAL_DISK) = { "disk", false, "Free space on the disk that holds the ledger." },
	ROW(REFUSAL_TOKEN) = { "token", false,
			       "Check that the token is plugged in; where a PIN was refused, "
			       "put the right one into the PIN file. The signer then opens it "
			       "again by itself." },
	ROW(REFUSAL_CA) = { "ca", false,
			    "Run imprint ca show; a CA is made with imprint ca create." },
	ROW(REFUSAL_FAILED) = { "failed", false,
				"Run the board again; if it stays, see the log of the signer." },
};

static const struct row *find(int code)
{
	static const struct row none = { "", false, "" };

	if (code < REFUSAL_FIRST || code >= REFUSAL_LAST)
		return &none;
	return &rows[code - REFUSAL_FIRST];
}

const char *refusal_name(int code)
{
	return find(code)->name;
}

const char *refusal_remedy(int code)
{
	return find(code)->remedy;
}

bool refusal_blames_board(int code)
{
	return find(code)->board;
}
