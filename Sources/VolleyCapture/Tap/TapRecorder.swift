internal import VolleyCore

/// What is behind the lock of a ``CaptureTap``: where datagrams go, and what became of them.
struct TapRecorder {
    /// Where datagrams go.
    enum Destination {
        case files(CaptureSeries)
        case memory(CaptureWriter)
        case flight(FlightRecorder)
    }

    private let destination: Destination
    private let sampling: CaptureSampling
    private var failure: CaptureError?
    private var isClosed = false
    private var seen = 0
    private(set) var written = 0
    private(set) var failed = 0

    init(_ destination: Destination, _ sampling: CaptureSampling) {
        self.destination = destination
        self.sampling = sampling
    }

    var bytes: [UInt8] {
        if case .memory(let writer) = destination { writer.bytes } else { [] }
    }

    var files: [String] {
        if case .files(let series) = destination { series.files } else { [] }
    }

    func snapshot() -> FlightRecorder.Snapshot? {
        if case .flight(let flight) = destination { flight.snapshot() } else { nil }
    }

    /// Records a datagram; returns the error that ends the recording, when it happens.
    mutating func record(
        _ payload: RawSpan, from source: SocketAddress, to destination: SocketAddress, at time: WallClockTime,
        _ direction: PacketDirection, comment: String? = nil
    ) -> CaptureError? {
        // The end that is known for certain is the peer's; a wildcard local address may be of the other family.
        let peer = (direction == .inbound ? source : destination).onTheWire
        guard sampling.takes(seen, peer: peer) else {
            seen += 1
            return nil
        }
        seen += 1
        guard failure == nil, !isClosed else {
            failed += 1
            return nil
        }
        do throws(CaptureError) {
            let instant = time.nanosecondsSinceEpoch
            try writer(at: instant).writeDatagram(
                payload, from: source.onTheWire.ofFamily(peer.family), to: destination.onTheWire.ofFamily(peer.family),
                at: instant, direction: direction, comment: comment)
            written += 1
            return nil
        } catch {
            // What no packet can hold is missing, but the file goes on.
            if error.code == .invalidArgument {
                failed += 1
                return nil
            }
            written += 1
            return fail(error)
        }
    }

    private func writer(at time: Int64) throws(CaptureError) -> CaptureWriter {
        switch destination {
        case .files(let series): return try series.writer(at: time)
        case .memory(let writer): return writer
        case .flight(let flight): return flight.writer(at: time)
        }
    }

    mutating func flush() -> CaptureError? {
        guard failure == nil, !isClosed, case .files(let series) = destination else { return nil }
        do throws(CaptureError) {
            try series.flush()
            return nil
        } catch {
            return fail(error)
        }
    }

    /// Completes the recording; returns what has ended it, if something has.
    mutating func close() -> CaptureError? {
        guard !isClosed else { return failure }
        isClosed = true
        do throws(CaptureError) {
            switch destination {
            case .files(let series): try series.close()
            case .memory(let writer): try writer.close()
            case .flight: break
            }
        } catch {
            if failure == nil { _ = fail(error) }
        }
        return failure
    }

    /// Ends the recording: what was in a buffer is lost with it.
    private mutating func fail(_ error: CaptureError) -> CaptureError {
        failure = error
        if case .files(let series) = destination {
            failed += written - series.flushedPacketCount
            written = series.flushedPacketCount
        }
        return error
    }
}

extension SocketAddress {
    /// This address as packets have it: what a dual-stack socket shows as `::ffff:192.0.2.1` is IPv4.
    fileprivate var onTheWire: SocketAddress {
        ip.isIPv4Mapped ? SocketAddress(ip.unmapped, port: port) : self
    }

    /// This address, or if it is of another family, that family's unspecified address with the same port.
    fileprivate func ofFamily(_ family: Family) -> SocketAddress {
        if self.family == family { return self }
        return SocketAddress(family == .ipv6 ? IPAddress(v6High: 0, low: 0) : IPAddress(v4: 0), port: port)
    }
}
