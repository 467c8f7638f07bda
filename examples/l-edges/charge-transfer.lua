-- L2,3 absorption of a 3d ion that shares electrons with its six neighbours, for Quanty 0.9: the
-- configurations 3dn and 3d(n+1) L, with a hole in the ligand orbitals of the same symmetry.
--
-- A template for the generator quanty. Its parameters, in eV: tenDq, the hoppings Veg and Vt2g
-- between the ion and its ligands, the charge-transfer energy Delta; kappa scales all Slater
-- integrals, T is in kelvin. Udd and Upd (eV) and tenDqL are the same for all samples ('values').
-- Without hopping this is the ion of the generator multiplet in a cubic field. Quanty takes 0.1 s
-- for Ni2+ and 1 s for Co2+; earlier ions have far more states (Ti3+ nearly a thousand times).
--
-- Energies of the shells: J. Zaanen, G. A. Sawatzky and J. W. Allen, Phys. Rev. Lett. 55, 418
-- (1985), such that 3dn and 2p5 3d(n+1) lie at zero and 3d(n+1) L at Delta on average.

Verbosity(0)

n = ${electrons}
kappa = ${kappa}
kT = ${T} * 8.617333262e-5
Delta, Udd, Upd = ${Delta}, ${Udd}, ${Upd}

NF = 26
dn_p, up_p = {0, 2, 4}, {1, 3, 5}
dn_d, up_d = {6, 8, 10, 12, 14}, {7, 9, 11, 13, 15}
dn_L, up_L = {16, 18, 20, 22, 24}, {17, 19, 21, 23, 25}

-- Operators ---------------------------------------------------------------------------------------

N_p = NewOperator("Number", NF, up_p, up_p, {1, 1, 1})
    + NewOperator("Number", NF, dn_p, dn_p, {1, 1, 1})
N_d = NewOperator("Number", NF, up_d, up_d, {1, 1, 1, 1, 1})
    + NewOperator("Number", NF, dn_d, dn_d, {1, 1, 1, 1, 1})
N_L = NewOperator("Number", NF, up_L, up_L, {1, 1, 1, 1, 1})
    + NewOperator("Number", NF, dn_L, dn_L, {1, 1, 1, 1, 1})

F0dd = NewOperator("U", NF, up_d, dn_d, {1, 0, 0})
F2dd = NewOperator("U", NF, up_d, dn_d, {0, 1, 0})
F4dd = NewOperator("U", NF, up_d, dn_d, {0, 0, 1})
F0pd = NewOperator("U", NF, up_p, dn_p, up_d, dn_d, {1, 0}, {0, 0})
F2pd = NewOperator("U", NF, up_p, dn_p, up_d, dn_d, {0, 1}, {0, 0})
G1pd = NewOperator("U", NF, up_p, dn_p, up_d, dn_d, {0, 0}, {1, 0})
G3pd = NewOperator("U", NF, up_p, dn_p, up_d, dn_d, {0, 0}, {0, 1})

cubic = PotentialExpandedOnClm("Oh", 2, {0.6, -0.4})  -- eg, t2g
field = NewOperator("CF", NF, up_d, dn_d, cubic)
field_L = NewOperator("CF", NF, up_L, dn_L, cubic)
function hopping(eg, t2g)
    shape = PotentialExpandedOnClm("Oh", 2, {eg, t2g})
    return NewOperator("CF", NF, up_L, dn_L, up_d, dn_d, shape)
        + NewOperator("CF", NF, up_d, dn_d, up_L, dn_L, shape)
end

-- Hamiltonians ------------------------------------------------------------------------------------

e_d_i = (10 * Delta - n * (19 + n) * Udd / 2) / (10 + n)
e_L_i = n * ((1 + n) * Udd / 2 - Delta) / (10 + n)
e_p_f = (10 * Delta + (1 + n) * (n * Udd / 2 - (10 + n) * Upd)) / (16 + n)
e_d_f = (10 * Delta - n * (31 + n) * Udd / 2 - 90 * Upd) / (16 + n)
e_L_f = ((1 + n) * (n * Udd / 2 + 6 * Upd) - (6 + n) * Delta) / (16 + n)

function repulsion(F2, F4)
    return (Udd + kappa * 2 / 63 * (F2 + F4)) * F0dd + kappa * (F2 * F2dd + F4 * F4dd)
end

shared = ${tenDq} * field + ${tenDqL} * field_L + hopping(${Veg}, ${Vt2g})

H_i = Chop(shared + repulsion(${F2dd_i}, ${F4dd_i}) + e_d_i * N_d + e_L_i * N_L
    + ${zeta3d_i} * NewOperator("ldots", NF, up_d, dn_d))
H_f = Chop(shared + repulsion(${F2dd_f}, ${F4dd_f}) + e_p_f * N_p + e_d_f * N_d + e_L_f * N_L
    + ${zeta3d_f} * NewOperator("ldots", NF, up_d, dn_d)
    + ${zeta2p_f} * NewOperator("ldots", NF, up_p, dn_p)
    + (Upd + kappa * (${G1pd_f} / 15 + 3 / 70 * ${G3pd_f})) * F0pd
    + kappa * (${F2pd_f} * F2pd + ${G1pd_f} * G1pd + ${G3pd_f} * G3pd))

-- Initial states: as many as the temperature populates ----------------------------------------------

ground = {NF, 0, {"111111 0000000000 0000000000", 6, 6},
    {"000000 1111111111 1111111111", n + 10, n + 10}}
count = 6
while true do
    states = Eigensystem(H_i, ground, count)
    energies = {}
    for k, psi in ipairs(states) do energies[k] = psi * H_i * psi end
    if math.exp((energies[1] - energies[count]) / kT) < 1e-9 then break end
    count = 2 * count
end
weights, partition = {}, 0
for k, energy in ipairs(energies) do
    weights[k] = math.exp((energies[1] - energy) / kT)
    partition = partition + weights[k]
end

-- Absorption --------------------------------------------------------------------------------------

dipole = NewOperator("CF", NF, up_d, dn_d, up_p, dn_p, {{1, 0, 1}})  -- along z; x and y are the same
_, responses = CreateSpectra(H_f, {dipole}, states,
    {{"Emin", -1}, {"Emax", 1}, {"NE", 1}, {"Gamma", 1}, {"DenseBorder", 2000}})

file = io.open("sticks.dat", "w")
lines = 0
for k, psi in ipairs(states) do
    shift = psi * H_f * psi - energies[k]  -- Quanty counts energies from <psi|H_f|psi>
    poles = ResponseFunction.ToTable(ResponseFunction.ChangeType(responses[k], "ListOfPoles"))
    for line, residue in ipairs(poles[2]) do
        strength = weights[k] / partition * residue
        file:write(string.format("%.12f %.15e %.15e %.15e\n",
            poles[1][line + 1] + shift, strength, strength, strength))
        lines = lines + 1
    end
end
file:write(string.format("end %d\n", lines))
file:close()
