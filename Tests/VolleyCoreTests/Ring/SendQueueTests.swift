import Testing

@testable import VolleyCore

@Suite("The send queue")
struct SendQueueTests {
    @Test("its size is the payloads and eight bytes each, down to nothing")
    func size() {
        var queue = SendQueue()
        var expected = 0
        for count in 0..<50 {
            let payload = [UInt8](repeating: 1, count: count)
            queue.append(SendQueue.Entry(payload: payload, destination: [1], control: SendControl()))
            expected += count + 8
            #expect(queue.size == expected)
        }
        #expect(queue[7].payload.count == 7)
        queue.removeFirst(0)
        #expect(queue.size == expected)
        queue.removeFirst(2)
        #expect(queue.size == expected - 17)
        #expect(queue.count == 48)
        queue.removeFirst(48)
        #expect(queue.size == 0)
        #expect(queue.isEmpty)
        queue.append(SendQueue.Entry(payload: [], destination: [], control: SendControl()))
        queue.removeAll()
        #expect(queue.size == 0)
    }
}
