import CBaseline
import VolleyCapture
import VolleyReplay
import VolleyWire

/// What is compared, and what it saw.
enum Contestant: String, CaseIterable {
    case volley = "volley"
    case replay = "volley replay into a sink"
    case libpcap = "libpcap pcap_loop"
    case read = "C read loop"

    /// Reads and decodes a whole file.
    func run(_ path: String) throws -> baseline_result {
        var result = baseline_result()
        switch self {
        case .volley: result = try Self.readOurs(path)
        case .replay: result = try Self.replay(path)
        case .libpcap: try check(baseline_libpcap(path, &result))
        case .read: try check(baseline_read(path, &result))
        }
        return result
    }

    private static func readOurs(_ path: String) throws -> baseline_result {
        var result = baseline_result()
        var reader = try CaptureReader(path: path)
        while let record = try reader.next() {
            result.records += 1
            let frame = record.decode()
            guard frame.isDelivered else { continue }
            result.delivered += 1
            result.payload_bytes += UInt64(frame.payloadLength)
            let addresses = UInt32(truncatingIfNeeded: frame.source.ip.low ^ frame.destination.ip.low)
            let rest = UInt32(frame.source.port ^ frame.destination.port) ^ UInt32(frame.payloadLength)
            result.checksum = result.checksum &* 31 &+ UInt64(addresses ^ rest)
        }
        return result
    }

    /// The generator's datagrams all go to port 53.
    private static func replay(_ path: String) throws -> baseline_result {
        let sink = Sink()
        let report = try Replay(capture: path, as: .server(port: 53)).run { sink }
        sink.result.records = UInt64(report.records.total)
        return sink.result
    }

    /// Sees all that the others see, the destination included: that is the local address and the port.
    private final class Sink: DatagramProtocol {
        var result = baseline_result()

        func datagramReceived(_ datagram: Datagram) {
            result.delivered += 1
            result.payload_bytes += UInt64(datagram.count)
            let source = datagram.source
            let addresses = UInt32(truncatingIfNeeded: source.ip.low ^ (datagram.localAddress?.low ?? 0))
            let rest = UInt32(source.port ^ 53) ^ UInt32(datagram.count)
            result.checksum = result.checksum &* 31 &+ UInt64(addresses ^ rest)
        }
    }

    private func check(_ status: Int32) throws {
        guard status == 0 else { throw Failure(message: "\(rawValue) cannot read the capture") }
    }
}

/// Something that makes a comparison void.
struct Failure: Error, CustomStringConvertible {
    let message: String
    var description: String { message }
}
