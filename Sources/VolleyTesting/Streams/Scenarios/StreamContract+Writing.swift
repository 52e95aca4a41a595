internal import SystemPackage

extension StreamContract {
    static let writing: [StreamScenario] = [
        StreamScenario("a write goes out at once", ["P30"], needs: [.writing, .faults]) { run in
            try run.open()
            run.write("abc")
            try run.expectEqual(run.faults.writeAttempts.map(\.taken), [3], "bytes taken inside of write")
            try run.expectEqual(run.transport.writeBufferSize, 0, "write buffer")
            run.settle()
            try run.expectEqual(run.arrivals, "abc", "arrivals")
        },
        StreamScenario("what is written may change afterwards", ["P31"], needs: [.writing, .faults]) { run in
            try run.open()
            var bytes = Array("abcdef".utf8)
            run.faults.writeScript = [.take(2), .block]
            run.noteSubmitted(4)
            run.transport.write(RawSpan(bytes.span).extracting(1..<5))
            bytes = bytes.map { _ in UInt8(ascii: "x") }
            run.settle()
            try run.expectEqual(run.arrivals, "bcde", "arrivals")
            try run.expectEqual(bytes.count, 6, "bytes of the array")
        },
        StreamScenario("a write of nothing does nothing", ["P32"], needs: [.writing, .faults]) { run in
            try run.open()
            run.write("")
            run.transport.write(gathering: [])
            run.transport.write(gathering: [[], []])
            run.transport.write(RawSpan(), RawSpan())
            run.settle()
            try run.expectEqual(run.faults.writeAttempts, [], "attempts to write")
        },
        StreamScenario(
            "with something queued, a write is queued behind it without an attempt", ["P33"],
            needs: [.writing, .faults]
        ) { run in
            try run.open()
            run.block(with: "a")
            run.write("bc", "def")
            try run.expectEqual(run.faults.writeAttempts.count, 1, "attempts to write")
            try run.expectEqual(run.transport.writeBufferSize, 6, "write buffer")
            run.faults.isWritingBlocked = false
            run.settle()
            try run.expectEqual(run.arrivals, "abcdef", "arrivals")
        },
        StreamScenario("what a write leaves over is queued", ["P34"], needs: [.writing, .faults]) { run in
            try run.open()
            run.faults.writeScript = [.take(2)]
            run.faults.writeScript += [.block]
            run.write("abcdef")
            try run.expectEqual(run.transport.writeBufferSize, 4, "write buffer")
            run.settle()
            try run.expectEqual(run.arrivals, "abcdef", "arrivals")
            try run.expectEqual(run.statistics.bytesQueued, 4, "bytes queued")
        },
        StreamScenario("a write of which nothing is taken is queued whole", ["P35"], needs: [.writing, .faults]) {
            run in
            try run.open()
            run.faults.writeScript = [.take(0)]
            run.write("abc")
            try run.expectEqual(run.transport.writeBufferSize, 3, "write buffer")
            run.settle()
            try run.expectEqual(run.arrivals, "abc", "arrivals")
        },
        StreamScenario(
            "a write that would block or is interrupted is queued whole", ["P36"],
            needs: [.writing, .faults]
        ) { run in
            try run.open()
            run.faults.writeScript = [.block]
            run.write("abc")
            try run.expectEqual(run.transport.writeBufferSize, 3, "write buffer")
            try run.expectEqual(run.statistics.writesBlocked, 1, "writes blocked")
            run.settle()
            run.faults.writeScript = [.fail(.interrupted)]
            run.write("def")
            run.settle()
            try run.expectEqual(run.arrivals, "abcdef", "arrivals")
        },
        StreamScenario(
            "an error of a write ends the stream with it; later writes are only counted", ["P6", "P37"],
            needs: [.writing, .faults]
        ) { run in
            try run.open()
            run.faults.writeScript = [.fail(.brokenPipe)]
            run.write("abc")
            try run.expectEqual(run.losses, 0, "calls of connectionLost inside of write")
            try run.expect(run.transport.isClosing, "closing at once")
            for _ in 0..<6 { run.write("x") }
            run.settle()
            run.write("y")
            try run.expectLost(.brokenPipe)
            try run.expectEqual(run.recorder.lossError?.operation, .send, "operation")
            try run.expectEqual(run.recorder.lossError?.peer, run.transport.remoteAddress, "peer of the error")
            try run.expectEqual(run.statistics.failedDropped, 3, "bytes dropped for the error")
            try run.expectEqual(run.statistics.closedDropped, 7, "bytes dropped since")
            try run.expectEqual(run.faults.writeAttempts.count, 1, "attempts to write")
        },
        StreamScenario("a write while closing is counted and dropped", ["P39"], needs: [.writing, .faults]) { run in
            try run.open()
            run.block(with: "abc")
            run.transport.close()
            run.write("dropped")
            try run.expectEqual(run.statistics.closedDropped, 7, "bytes dropped")
            run.faults.isWritingBlocked = false
            run.settle()
            run.write("too")
            try run.expectEqual(run.arrivals, "abc", "arrivals")
            try run.expectEqual(run.statistics.closedDropped, 10, "bytes dropped in all")
            try run.expectLost(nil)
        },
        StreamScenario("a protocol may write in every callback", needs: [.writing, .interactive]) { run in
            try run.open { recorder in
                recorder.keepsOpen = true
                recorder.onConnectionMade = { $0.write("made ") }
                recorder.onData = { transport, bytes in transport.write(bytes) }
                recorder.onEndOfStream = { $0.write(" end") }
            }
            run.noteSubmitted(5 + 3 + 4)
            run.deliver("abc")
            run.settle()
            run.world.deliverEnd()
            run.settle()
            try run.expectEqual(run.arrivals, "made abc end", "arrivals")
        },
    ]

    static let draining: [StreamScenario] = [
        StreamScenario(
            "a queue is sent when there is room, and then nothing is attempted any more", ["P40"],
            needs: [.writing, .faults]
        ) { run in
            try run.open()
            run.block(with: "abc")
            run.faults.isWritingBlocked = false
            run.settle()
            try run.expectEqual(run.arrivals, "abc", "arrivals")
            let attempts = run.faults.writeAttempts.count
            for _ in 0..<5 { run.turn() }
            try run.expectEqual(run.faults.writeAttempts.count, attempts, "attempts to write afterwards")
            run.write("def")
            try run.expectEqual(run.faults.writeAttempts.last?.taken, 3, "bytes of the next write, taken at once")
        },
        StreamScenario("a closing stream ends when its queue is sent", ["P4", "P41"], needs: [.writing, .faults]) {
            run in
            try run.open()
            run.block(with: "abc")
            run.transport.close()
            run.settle()
            try run.expectEqual(run.losses, 0, "calls of connectionLost while blocked")
            try run.expect(!run.transport.isReading, "not reading while closing")
            run.faults.isWritingBlocked = false
            run.settle()
            try run.expectEqual(run.arrivals, "abc", "arrivals")
            try run.expect(run.world.hasEnded, "the peer sees the end")
            try run.expectLost(nil)
        },
        StreamScenario(
            "a queue that is sent in part keeps the rest, however it lies", ["P43"],
            needs: [.writing, .faults]
        ) { run in
            try run.open()
            run.faults.isWritingBlocked = true
            let blocks = (0..<40).map { index in [UInt8](repeating: UInt8(65 + index % 26), count: 1_000 + index) }
            for block in blocks { run.write(block) }
            run.faults.writeScript = [
                .take(1), .take(0), .take(999), .take(1_001), .block, .take(7_777), .take(4_096), .take(1),
            ]
            run.faults.isWritingBlocked = false
            run.settle()
            try run.expect(run.world.arrived == blocks.flatMap(\.self), "every byte, in order")
            try run.expectEqual(run.transport.writeBufferSize, 0, "write buffer")
        },
        StreamScenario("a queue that finds no room stays", ["P44"], needs: [.writing, .faults]) { run in
            try run.open()
            run.faults.writeScript = [.block, .block, .fail(.interrupted), .block]
            run.write("abc")
            for _ in 0..<3 {
                run.turn()
                try run.expectEqual(run.transport.writeBufferSize, 3, "write buffer")
            }
            run.settle()
            try run.expectEqual(run.arrivals, "abc", "arrivals")
        },
        StreamScenario(
            "an error while the queue is sent drops it and ends the stream with the error", ["P6", "P45"],
            needs: [.writing, .faults]
        ) { run in
            try run.open()
            run.block(with: "abcdef")
            run.faults.writeScript = [.take(2), .fail(.timedOut)]
            run.faults.isWritingBlocked = false
            run.settle()
            try run.expectEqual(run.arrivals, "ab", "arrivals")
            try run.expectEqual(run.statistics.failedDropped, 4, "bytes dropped for the error")
            try run.expectLost(.timedOut)
        },
        StreamScenario("a peer that reads slowly gets everything", needs: [.writing]) { run in
            try run.open()
            let block = (0..<65_536).map { UInt8(truncatingIfNeeded: $0 / 3) }
            for _ in 0..<32 { run.write(block) }
            run.transport.close()
            run.settle()
            try run.expectEqual(run.world.arrived.count, 32 * block.count, "bytes arrived")
            try run.expect(Array(run.world.arrived.suffix(block.count)) == block, "the last block as it was")
            try run.expectLost(nil)
        },
    ]

    static let gathering: [StreamScenario] = [
        StreamScenario(
            "many parts are written with one call and without joining them", ["P46", "F15"],
            needs: [.writing, .faults]
        ) { run in
            try run.open()
            run.noteSubmitted(6)
            run.transport.write(gathering: [Array("ab".utf8), [], Array("c".utf8), Array("def".utf8)])
            try run.expectEqual(run.faults.writeAttempts.map(\.vectors), [3], "pieces of each attempt")
            run.settle()
            try run.expectEqual(run.arrivals, "abcdef", "arrivals")
        },
        StreamScenario("of parts that are written in part, the rest is queued", ["P46"], needs: [.writing, .faults]) {
            run in
            try run.open()
            for taken in 0...6 {
                run.faults.writeScript = [.take(taken)]
                run.noteSubmitted(6)
                run.transport.write(gathering: [Array("ab".utf8), Array("c".utf8), Array("def".utf8)])
                try run.expectEqual(run.transport.writeBufferSize, 6 - taken, "write buffer after \(taken) bytes")
                run.settle()
            }
            try run.expectEqual(run.arrivals, String(repeating: "abcdef", count: 7), "arrivals")
        },
        StreamScenario("hundreds of parts arrive in order", ["P46"], needs: .writing) { run in
            try run.open()
            let parts = (0..<300).map { Array("\($0),".utf8) }
            run.noteSubmitted(parts.reduce(0) { $0 + $1.count })
            run.transport.write(gathering: parts)
            run.settle()
            try run.expect(run.world.arrived == parts.flatMap(\.self), "every part, in order")
        },
        StreamScenario("a head and a body go out as one", ["P46"], needs: [.writing, .faults]) { run in
            try run.open()
            run.faults.writeScript = [.take(3)]
            run.noteSubmitted(5)
            let body: [UInt8] = [3, 4, 5]
            run.transport.write([1, 2], RawSpan(body.span))
            try run.expectEqual(run.faults.writeAttempts.map(\.vectors), [2], "pieces of each attempt")
            run.settle()
            try run.expectEqual(run.world.arrived, [1, 2, 3, 4, 5], "arrivals")
        },
    ]

    static let ending: [StreamScenario] = [
        StreamScenario(
            "writeEOF ends the writing side once; the peer may go on", ["P47"],
            needs: [.writing, .interactive]
        ) { run in
            try run.open()
            try run.expect(run.transport.canWriteEOF, "writeEOF is possible")
            run.write("abc")
            run.transport.writeEOF()
            run.transport.writeEOF()
            run.settle()
            try run.expectEqual(run.arrivals, "abc", "arrivals")
            try run.expect(run.world.hasEnded, "the peer sees the end")
            try run.expect(!run.transport.isClosing, "not closing")
            run.deliver("answer")
            run.settle()
            try run.expectEqual(run.received, "answer", "bytes")
            try run.expectEqual(run.losses, 0, "calls of connectionLost")
        },
        StreamScenario("writeEOF with a queue waits until it is sent", ["P48"], needs: [.writing, .faults]) { run in
            try run.open()
            run.block(with: "abc")
            run.transport.writeEOF()
            run.settle()
            try run.expect(!run.world.hasEnded, "no end while bytes wait")
            run.faults.isWritingBlocked = false
            run.settle()
            try run.expectEqual(run.arrivals, "abc", "arrivals")
            try run.expect(run.world.hasEnded, "the peer sees the end")
        },
        StreamScenario("a write after writeEOF is counted and dropped", needs: [.writing]) { run in
            try run.open()
            run.transport.writeEOF()
            run.write("dropped")
            run.settle()
            try run.expectEqual(run.arrivals, "", "arrivals")
            try run.expectEqual(run.statistics.closedDropped, 7, "bytes dropped")
            try run.expectEqual(run.losses, 0, "calls of connectionLost")
        },
        StreamScenario("writeEOF after close does no harm", ["P49"], needs: [.writing]) { run in
            try run.open()
            run.write("abc")
            run.transport.close()
            run.transport.writeEOF()
            run.settle()
            run.transport.writeEOF()
            run.settle()
            try run.expectEqual(run.arrivals, "abc", "arrivals")
            try run.expectLost(nil)
        },
        StreamScenario("both sides may be ended, one after the other", needs: [.writing, .interactive]) { run in
            try run.open { $0.keepsOpen = true }
            run.world.deliverEnd()
            run.settle()
            run.write("last words")
            run.transport.writeEOF()
            run.settle()
            try run.expectEqual(run.arrivals, "last words", "arrivals")
            try run.expect(run.world.hasEnded, "the peer sees the end")
            run.transport.close()
            run.settle()
            try run.expectLost(nil)
        },
    ]
}
