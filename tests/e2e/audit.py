"""What must hold after every crash, whatever it hit: asked of a running signer, as a list of what is wrong."""
from collections import Counter


def audit(s, held, order="DEMO", installed=(), head=None):
    """`held`: {certificate id: unit} of every certificate that was ever seen outside the signer; `installed`: the units of which
    it said that they are; `head`: a file with a head that it signed. [] if all is well."""
    rows = s.ledger_list()
    known = {row["certificate_id"]: row["unit"] for row in rows if row["certificate_id"]}
    wrong = [f"lost: certificate {key} of unit {unit} left the signer, and the ledger does not know it"
             for key, unit in held.items() if key not in known]
    wrong += [f"certificate {key} of unit {unit} is unit {known[key]}'s in the ledger"
              for key, unit in held.items() if known.get(key, unit) != unit]
    live = Counter(row["unit"] for row in rows if row["state"] != "void")
    wrong += [f"unit {unit} has {count} certificates that are not void" for unit, count in live.items() if count > 1]
    wrong += [f"the certificate id {key} stands in the ledger {count} times"
              for key, count in Counter(row["certificate_id"] for row in rows if row["certificate_id"]).items() if count > 1]
    wrong += [f"unit {row['unit']} is left reserved" for row in rows if row["state"] == "reserved"]
    # Nobody voids here but the signer, what it never signed: those return their quota.
    wrong += [f"unit {row['unit']} is void and was issued" for row in rows if row["state"] == "void" and row["certificate_id"]]
    used, counted = s.order(order)["used"], sum(live.values())
    if used != counted:
        wrong.append(f"the order {order} says {used} used, its certificates are {counted}")
    states = {row["unit"]: row["state"] for row in rows if row["state"] != "void"}
    wrong += [f"lost: unit {unit} was installed, and is {states.get(unit, 'unknown')}"
              for unit in installed if states.get(unit) != "installed"]
    verify = s.imprint("ledger", "verify", *(["--head", head] if head else []), check=False)
    if verify.returncode != 0:
        wrong.append(f"ledger verify: exit {verify.returncode}: {verify.stdout}{verify.stderr}")
    return wrong
