/// Loss in bursts: the model of Gilbert (1960) and Elliott (1963), with the parameters of tc-netem(8)'s `gemodel`.
///
/// A path is in a good or a bad state. Before each datagram it changes from good to bad with probability ``p``, and from
/// bad to good with ``r``; then the datagram is lost with the probability of the state. A burst lasts 1/r datagrams on
/// average.
public struct BurstLoss: Hashable, Sendable {
    /// The probability to go from good to bad, before each datagram.
    public var p: Double
    /// The probability to go from bad to good, before each datagram.
    public var r: Double
    /// The probability to be lost in the bad state: netem's 1-h.
    public var lossInBad: Double
    /// The probability to be lost in the good state: netem's 1-k.
    public var lossInGood: Double

    /// A model from its four parameters, probabilities from 0 to 1; the defaults make it the simple Gilbert model.
    public init(p: Double, r: Double, lossInBad: Double = 1, lossInGood: Double = 0) {
        (self.p, self.r, self.lossInBad, self.lossInGood) = (p, r, lossInBad, lossInGood)
    }

    /// The share of datagrams lost in the long run.
    public var lossRate: Double {
        guard p > 0 else { return lossInGood }
        return (p * lossInBad + r * lossInGood) / (p + r)
    }

    /// Moves the state on by one datagram and says whether that is lost.
    func next(_ isBad: inout Bool, _ generator: inout SeededGenerator) -> Bool {
        if generator.chance(isBad ? r : p) { isBad.toggle() }
        return generator.chance(isBad ? lossInBad : lossInGood)
    }
}
