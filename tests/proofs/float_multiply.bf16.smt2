; The product of any f32 and one that a bf16 holds, rounded once.
; For two f32s no solver ends in minutes: their significands are a product of 24 bits by 24, which random vectors cover instead.
(define-fun assumed () Bool (= ((_ extract 15 0) (|float_multiply_n b| state)) #x0000))
(define-fun claimed () Bool
  (writes (|float_multiply_n product| state)
          (fp.mul RNE (number (|float_multiply_n a| state)) (number (|float_multiply_n b| state)))))
