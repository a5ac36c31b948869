; A bf16 as an f32.
(define-fun bits () (_ BitVec 16) ((_ extract 15 0) (|float_from_n bits| state)))
(define-fun assumed () Bool (= (|float_from_n code| state) #b011))
(define-fun claimed () Bool (writes (|float_from_n value| state) (number (concat bits #x0000))))
