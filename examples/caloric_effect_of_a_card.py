"""What a material can do in a pressure cycle, from its card: one-branch and reversible values told apart.

For straight branches the least pressure of a reversible cycle is p_rev = hysteresis / |dT/dp| on the branch that
pressure has to move (heating, for an inverse effect). Exact check: 29 K / 0.3003 K/MPa = 96.57 MPa.
"""

import caloris as cal

effect = cal.heat.caloric_effect(cal.materials.load("NH4SCN"))

for merit in effect.merits("100 MPa").values():
    print(merit)
for line in effect.warnings("90 MPa"):
    print("warning:", line)

p_rev = effect.reversible_pressure()
by_hand = effect.hysteresis() / -effect.slope("heating")
assert abs(p_rev.value - by_hand.value) < 1e-6
print(f"reversible from {p_rev.value:.2f} MPa on")

effect.plot(["40 MPa", "100 MPa", "120 MPa"]).savefig("caloric_effect.png", dpi=130)
