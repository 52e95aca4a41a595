internal import SystemPackage
import VolleyCore

/// A host's ups and downs.
extension SimulatedHost {
    /// Whether its protocols stand still.
    public var isPaused: Bool { loop.isPaused }

    /// Stops its protocols, as a process is stopped by SIGSTOP: time goes on, datagrams gather in the receive buffers.
    public func pause() {
        guard isUp, !isPaused else { return }
        simulation.note(.host, at: name, text: "paused")
        loop.pause()
    }

    /// Lets its protocols go on: overdue timers run in the order of their deadlines, then what has arrived is received.
    public func resume() {
        guard isPaused else { return }
        simulation.note(.host, at: name, text: "resumed")
        loop.resume()
    }

    /// Ends its endpoints, timers and calls at once; what it knew is lost.
    ///
    /// Protocols get `connectionLost` with `ENETDOWN`, which a real crash would keep from them, so that a test can let go
    /// of them; what they send or call then comes to nothing. What is sent to the host is answered with ICMP "host
    /// unreachable".
    public func crash() {
        guard isUp else { return }
        isUp = false
        simulation.note(.host, at: name, text: "crashed")
        // A host that stands still has to be told all the same.
        loop.resume()
        for endpoint in endpoints {
            endpoint.ring.lose(DatagramError(.networkDown, operation: .receive))
        }
        crashStreams()
        // Behind the calls just made, and before any timer that is not due yet.
        simulation.loop.callSoon { [self] in
            guard !isUp else { return }
            loop.endLife()
            pathMTUs = [:]
        }
    }

    /// Crashes, if it is up, and boots again after some time, with what it was made to do at first.
    ///
    /// An error of booting is a failed check of the simulation.
    public func restart(after downTime: Duration = .zero) {
        crash()
        simulation.after(downTime) { [self] in
            // Not before the crash is over.
            simulation.loop.callSoon { [self] in start() }
        }
    }

    private func start() {
        guard !isUp else { return }
        loop.endLife()
        isUp = true
        simulation.note(.host, at: name, text: "booted")
        do {
            try boot?(self)
        } catch {
            simulation.check(false, "\(name) could not boot: \(error)")
        }
    }
}
