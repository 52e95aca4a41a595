internal import Synchronization
public import VolleyCore

/// Records what an endpoint receives and sends, without privileges and without changing anything.
///
/// ```swift
/// let tap = try CaptureTap(path: "echo.pcapng")
/// // … bind an endpoint with the tap as an option, serve, close …
/// try tap.close()
/// ```
///
/// The file is pcapng of bare IP packets (``LinkType/rawIP``) with the time of day in nanoseconds; what was received is
/// marked inbound, what was sent outbound. Replayed in the role of the endpoint, it delivers the same datagrams, and a
/// protocol that depends on nothing else sends the same replies. Where an endpoint is bound to all addresses and does
/// not know which one a datagram came to, the file says 0.0.0.0 or `::`.
///
/// Safe to use from several loops at once: each datagram is written whole. An error of writing ends the recording, not
/// the service: it is kept for ``close()``.
public final class CaptureTap: DatagramTap {
    private struct State {
        var writer: CaptureWriter
        var failure: CaptureError?
        var written = 0
        var failed = 0
    }
    private let state: Mutex<State>

    /// Records into a new file; an existing one is emptied; `-` is standard output.
    ///
    /// - Parameter path: the file.
    /// - Throws: ``CaptureError`` when the file cannot be created.
    public init(path: String) throws(CaptureError) {
        state = Mutex(State(writer: try CaptureWriter(path: path)))
    }

    /// Records into memory, for ``bytes``.
    public init() {
        state = Mutex(State(writer: CaptureWriter(inMemory: .pcapng)))
    }

    /// How many datagrams were recorded.
    public var written: Int { state.withLock { $0.written } }

    /// How many could not be recorded: after an error of writing, or since no packet can hold them.
    public var failed: Int { state.withLock { $0.failed } }

    /// The recording, if it is in memory; empty otherwise.
    public var bytes: [UInt8] { state.withLock { $0.writer.bytes } }

    /// Completes the file; a second call does nothing.
    ///
    /// What comes later counts as failed.
    ///
    /// - Throws: the first ``CaptureError`` of the recording; the file is not whole then.
    public func close() throws(CaptureError) {
        let failure = state.withLock { state in
            do throws(CaptureError) {
                try state.writer.close()
            } catch {
                state.failure = state.failure ?? error
            }
            return state.failure
        }
        if let failure { throw failure }
    }

    /// Records a datagram the endpoint has received.
    public func received(
        _ payload: RawSpan, from source: SocketAddress, to local: SocketAddress, at time: WallClockTime
    ) {
        record(payload, from: source, to: local, at: time, .inbound)
    }

    /// Records a datagram the endpoint has sent.
    public func sent(
        _ payload: RawSpan, from local: SocketAddress, to destination: SocketAddress, at time: WallClockTime
    ) {
        record(payload, from: local, to: destination, at: time, .outbound)
    }

    private func record(
        _ payload: RawSpan, from source: SocketAddress, to destination: SocketAddress, at time: WallClockTime,
        _ direction: PacketDirection
    ) {
        // The end that is known for certain is the peer's; a wildcard local address may be of the other family.
        let isInbound = direction == .inbound
        let family = (isInbound ? source : destination).onTheWire.family
        let from = source.onTheWire.ofFamily(family)
        let to = destination.onTheWire.ofFamily(family)
        state.withLock { state in
            guard state.failure == nil else {
                state.failed += 1
                return
            }
            do throws(CaptureError) {
                try state.writer.writeDatagram(
                    payload, from: from, to: to, at: time.nanosecondsSinceEpoch, direction: direction)
                state.written += 1
            } catch {
                state.failed += 1
                // What no packet can hold is missing, but the file goes on; and a closed one was whole.
                if error.code == .writeFailed { state.failure = error }
            }
        }
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
