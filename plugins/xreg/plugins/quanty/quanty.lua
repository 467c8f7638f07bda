-- L2,3 absorption of a 3d ion in a tetragonal (D4h) crystal field, for Quanty 0.9.
--
-- xreg puts a number in place of every name that stands in braces behind a dollar sign. Energies
-- are in eV. _i marks the ground configuration 2p6 3dn, _f the excited one 2p5 3d(n+1).

Verbosity(0)

-- The ion -----------------------------------------------------------------------------------------

n = ${electrons}
F2dd_i, F4dd_i, zeta3d_i = ${F2dd_i}, ${F4dd_i}, ${zeta3d_i}
F2dd_f, F4dd_f, zeta3d_f = ${F2dd_f}, ${F4dd_f}, ${zeta3d_f}
F2pd_f, G1pd_f, G3pd_f, zeta2p_f = ${F2pd_f}, ${G1pd_f}, ${G3pd_f}, ${zeta2p_f}

-- The sample --------------------------------------------------------------------------------------

Dq, Ds, Dt = ${Dq}, ${Ds}, ${Dt}
S1, S2 = ${S1}, ${S2}
kT = ${T} * 8.617333262e-5

-- Hamiltonians ------------------------------------------------------------------------------------

NF = 16
dn_p, up_p = {0, 2, 4}, {1, 3, 5}
dn_d, up_d = {6, 8, 10, 12, 14}, {7, 9, 11, 13, 15}

F0dd = NewOperator("U", NF, up_d, dn_d, {1, 0, 0})
F2dd = NewOperator("U", NF, up_d, dn_d, {0, 1, 0})
F4dd = NewOperator("U", NF, up_d, dn_d, {0, 0, 1})
F0pd = NewOperator("U", NF, up_p, dn_p, up_d, dn_d, {1, 0}, {0, 0})
F2pd = NewOperator("U", NF, up_p, dn_p, up_d, dn_d, {0, 1}, {0, 0})
G1pd = NewOperator("U", NF, up_p, dn_p, up_d, dn_d, {0, 0}, {1, 0})
G3pd = NewOperator("U", NF, up_p, dn_p, up_d, dn_d, {0, 0}, {0, 1})
ls_d = NewOperator("ldots", NF, up_d, dn_d)
ls_p = NewOperator("ldots", NF, up_p, dn_p)

-- Orbital energies in the order a1g (z2), b1g (x2-y2), b2g (xy), eg (xz, yz).
field = NewOperator("CF", NF, up_d, dn_d, PotentialExpandedOnClm("D4h", 2, {
     6 * Dq - 2 * Ds - 6 * Dt,
     6 * Dq + 2 * Ds - 1 * Dt,
    -4 * Dq + 2 * Ds - 1 * Dt,
    -4 * Dq - 1 * Ds + 4 * Dt}))

function repulsion(F2, F4)  -- zero on the average of a configuration
    return S1 * (2 / 63 * (F2 + F4) * F0dd + F2 * F2dd + F4 * F4dd)
end

H_i = Chop(repulsion(F2dd_i, F4dd_i) + zeta3d_i * ls_d + field)
H_f = Chop(repulsion(F2dd_f, F4dd_f) + zeta3d_f * ls_d + field + zeta2p_f * ls_p
    + S1 * F2pd_f * F2pd
    + S2 * (G1pd_f * G1pd + G3pd_f * G3pd + (G1pd_f / 15 + 3 / 70 * G3pd_f) * F0pd))

-- Initial states: as many as the temperature populates ----------------------------------------------

ground = {NF, 0, {"111111 0000000000", 6, 6}, {"000000 1111111111", n, n}}
all = 1
for k = 1, n do all = all * (11 - k) / k end
all = math.floor(all + 0.5)

count = math.min(all, 6)
while true do
    states = Eigensystem(H_i, ground, count)
    if type(states) ~= "table" then states = {states} end
    energies = {}
    for k, psi in ipairs(states) do energies[k] = psi * H_i * psi end
    if count == all or math.exp((energies[1] - energies[count]) / kT) < 1e-9 then break end
    count = math.min(all, 2 * count)
end
weights, partition = {}, 0
for k, energy in ipairs(energies) do
    weights[k] = math.exp((energies[1] - energy) / kT)
    partition = partition + weights[k]
end

-- Absorption --------------------------------------------------------------------------------------

r = math.sqrt(1 / 2)
dipole = {
    NewOperator("CF", NF, up_d, dn_d, up_p, dn_p, {{1, -1, r}, {1, 1, -r}}),
    NewOperator("CF", NF, up_d, dn_d, up_p, dn_p, {{1, -1, r * I}, {1, 1, r * I}}),
    NewOperator("CF", NF, up_d, dn_d, up_p, dn_p, {{1, 0, 1}})}

-- Only the poles are wanted, so the energies of the spectrum do not matter.
_, responses = CreateSpectra(H_f, dipole, states,
    {{"Emin", -1}, {"Emax", 1}, {"NE", 1}, {"Gamma", 1}, {"DenseBorder", 2000}})

-- Result: energy E_f - E_i of each transition and its strength for light along x, y and z, weighted
-- by the population of its initial state; the last line tells their number. Quanty counts energies
-- from <psi|H_f|psi>, not from E_i.
file = io.open("sticks.dat", "w")
lines = 0
for axis = 1, 3 do
    for k, psi in ipairs(states) do
        shift = psi * H_f * psi - energies[k]
        poles = ResponseFunction.ToTable(
            ResponseFunction.ChangeType(responses[(axis - 1) * #states + k], "ListOfPoles"))
        for line, residue in ipairs(poles[2]) do
            strength = {0, 0, 0}
            strength[axis] = weights[k] / partition * residue
            file:write(string.format("%.12f %.15e %.15e %.15e\n",
                poles[1][line + 1] + shift, strength[1], strength[2], strength[3]))
            lines = lines + 1
        end
    end
end
file:write(string.format("end %d\n", lines))
file:close()
