/** Of what `ReplicatedState.save` gives: the layout of its snapshots. */
export const imageLayout = 1;
