/// Cutting a network in parts.
extension Simulation {
    /// Cuts every link from hosts of one group to hosts of another.
    ///
    /// - Parameters:
    ///   - group: one part.
    ///   - others: the other part.
    ///   - state: what the links do meanwhile: ``SimulatedLink/State/cut`` or ``SimulatedLink/State/rejecting``.
    ///   - isSymmetric: whether the way back is cut too; without, the others still get through to the group.
    ///   - delay: when the cut begins, from now.
    ///   - duration: how long it lasts; `nil` until ``heal()``.
    public func partition(
        _ group: [SimulatedHost], from others: [SimulatedHost], state: SimulatedLink.State = .cut,
        isSymmetric: Bool = true, after delay: Duration = .zero, lasting duration: Duration? = nil
    ) {
        var links: [SimulatedLink] = []
        for host in group {
            for other in others where other !== host {
                links.append(link(from: host, to: other))
                if isSymmetric { links.append(link(from: other, to: host)) }
            }
        }
        if delay > .zero { after(delay) { [self] in set(links, to: state) } } else { set(links, to: state) }
        guard let duration else { return }
        after(max(.zero, delay) + duration) { [self] in set(links, to: .up) }
    }

    /// Has every link carry again.
    public func heal() { set(links, to: .up) }

    private func set(_ links: [SimulatedLink], to state: SimulatedLink.State) {
        for link in links where link.state != state {
            link.state = state
            note(.note, at: link.name, text: "link is \(state)")
        }
    }
}
